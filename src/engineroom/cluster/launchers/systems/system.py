"""What one has to know of a batch system in order to use it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from engineroom.cluster.launchers.launcher import Command, State


class JobState(msgspec.Struct, frozen=True):
    """The state of a job, or of some tasks of its array."""

    job: str
    """Its id, as it was when the job was submitted."""
    state: State
    """Whether it waits, runs or has ended."""
    words: str = ""
    """The system's reason why it waits, or how it ended."""
    fix: str = ""
    """What to do about that, if known."""
    tasks: int = 1
    """How many tasks this is said of; 0: the system does not tell."""


def worst(endings: Sequence[str]) -> str:
    """Return the worst of how a job's tasks ended, in words: the first that is not just "ended"; "" for none."""
    return next((words for words in endings if words != "ended"), endings[0] if endings else "")


def shell_exports(variables: Mapping[str, str]) -> list[str]:
    """Return the lines of a shell script that set `variables`."""
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


def hours_and_minutes(minutes: int) -> str:
    """Return a time limit as most systems write it: H:MM:SS."""
    return f"{minutes // 60}:{minutes % 60:02}:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSystem:
    """A batch system: its commands, how to read what they print, and what its scripts look like.

    A command is a tuple of words, as a process gets them. In those that ask, a word with `{jobs}` gets all ids with
    commas between, a word `{job}` becomes a word for each id, `{user}` is who we are; to `cancel` and `signal` the ids
    are appended. Regexps are searched for anywhere; in `job_id` and `lost_tasks`, ^ and $ are the ends of lines. The
    default script is `shebang`, then those of `directives` whose field is set, `tasks` or `alone`, and `engines` or
    `controller`.
    """

    name: str
    """Name of the system, for people."""
    submit: tuple[str, ...]
    """Submits a job: the script's path follows as its last word; () for systems whose users have to say it."""
    cancel: tuple[str, ...]
    """Cancels jobs."""
    status: tuple[str, ...] = ()
    """Prints the status of jobs; (): nothing does."""
    read_status: Callable[[str], list[JobState]] = lambda _: []
    """From what `status` printed to one state for each job, and each task of an array or several of them. Jobs and
    tasks that have ended may be missing."""
    signal: tuple[str, ...] = ()
    """Signals jobs; `{signal}` is a name such as INT. (): nothing does."""
    submit_by_stdin: bool = False
    """`submit` gets the script itself, by its stdin."""
    not_known: str = ""
    """Regexp for what `status` prints of jobs that it no longer knows. An exit code other than 0 with other words means
    that nothing is known."""
    one_by_one: bool = False
    """`status` and `cancel` have one job each, at `{job}`."""
    reasons: tuple[str, ...] = ()
    """Prints why jobs wait, where `status` does not."""
    read_reasons: Callable[[str], dict[str, tuple[str, str]]] = lambda _: {}
    """From what that printed, by job's number, to the words, and what to do about that."""
    endings: tuple[tuple[str, ...], ...] = ()
    """Commands that tell how a job ended that `status` does not tell of, or says no words about; tried in turn, for one
    job each."""
    read_ending: Callable[[str], str] = lambda _: ""
    """From what one of these printed to the words; "": there are none."""
    ending_seconds: float = 0.0
    """How long after the end of a job these may not know of it yet, in seconds."""
    job_id: str = r"\d+"
    """Regexp for the id in what `submit` printed..."""
    job_id_group: int = 0
    """... and the group of it that is the id; 0: all."""
    tag: tuple[str, ...] = ()
    """Arguments for `submit` that mark a job with `{tag}`."""
    find: tuple[str, ...] = ()
    """Prints lines with id and mark of all our jobs."""
    version: tuple[str, ...] = ()
    """Prints which of several systems with the same commands this is..."""
    variants: tuple[tuple[str, str], ...] = ()
    """... and by regexps for that, the names of the systems that it is instead."""
    refusals: tuple[tuple[str, str], ...] = ()
    """By regexps for what `submit` complains of, what to do about that."""

    prefix: str = ""
    """What directives start with; "": there are none."""
    shebang: str = "#!/bin/sh"
    """First line of a script."""
    directives: tuple[tuple[str, str], ...] = ()
    """Lines with fields, each with the field that has to be set for it."""
    tasks: str = ""
    """Lines for `n` engines in one job..."""
    array: bool = False
    """... which is an array; else it is parallel."""
    lost_tasks: str = ""
    """Regexp for what a parallel job prints when some of its tasks fail: which, and how."""
    alone: str = ""
    """Lines for an engine, or a controller, that is alone in its job."""
    engines: str = "{program_and_args}"
    """Command that starts engines."""
    controller: str = "exec {program_and_args}"
    """Command that starts a controller."""
    change_directory: str = "cd {quote(work_dir)}"
    """Line that changes the working directory."""
    environment: Callable[[Mapping[str, str]], list[str]] = shell_exports
    """From variables to lines of the script that set them, put after its last directive."""
    name_length: int = 60
    """Of a job's name, at most, in characters."""
    minutes: Callable[[int], str] = hours_and_minutes
    """From a time limit in minutes to the text for it."""
    fields: Callable[[Command], Mapping[str, object]] = lambda _: {}
    """From a command to fields that lines need beside the usual ones."""
    array_output: str = ""
    """What the name of an output file needs to differ by task of an array."""
    split_output: str = ""
    """The same, to differ by job of a split set."""
    array_variable: str = ""
    """As `array_output`, for the job's own shell, which writes a file whose name no directive can have."""
    split_variable: str = ""
    """As `split_output`, for the same."""
    split: bool = False
    """Each engine is a job of its own, unless options say otherwise."""
