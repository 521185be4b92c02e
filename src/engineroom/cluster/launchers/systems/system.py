"""What one has to know of a batch system in order to use it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from engineroom.cluster.launchers.launcher import Command, State


class JobState(msgspec.Struct, frozen=True):
    """How it is with a job, or with some tasks of its array. `job`: its id as it was when submitted.

    `words`: the system's reason why it waits, or how it ended; `fix`: what to do about that. `tasks`: how many tasks
    this is said of, 0 if the system does not tell.
    """

    job: str
    state: State
    words: str = ""
    fix: str = ""
    tasks: int = 1


def shell_exports(variables: Mapping[str, str]) -> list[str]:
    """Return the lines of a shell script that set `variables`."""
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


def hours_and_minutes(minutes: int) -> str:
    """Return a time limit as most systems write it: H:MM:SS."""
    return f"{minutes // 60}:{minutes % 60:02}:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSystem:
    """A batch system: its commands, how to read what they print, and how its scripts look.

    Commands. In those that ask, a word with `{jobs}` gets all ids with commas between, a word `{job}` becomes a word
    for each id, `{user}` is who we are; to `cancel` and `signal` the ids are appended. `submit` gets the script's path
    as its last word, or with `submit_by_stdin` the script itself; in `signal`, `{signal}` is a name such as INT.

    - `read_status`: from what `status` printed to one state for each job and each task of an array, or for several
      tasks; jobs and tasks that have ended may be missing. `not_known`: a regexp for what it prints of jobs that it no
      longer knows (an exit code other than 0 with other words means that nothing is known).
    - `one_by_one`: `status` and `cancel` have one job each, at `{job}`.
    - `reasons`: a command that tells why jobs wait, where `status` does not; `read_reasons`: by job's number, the words
      in what it printed, and what to do about that.
    - `endings`: commands that tell how a job ended that `status` does not tell of, or says no words about; tried in
      turn, for one job each. `read_ending`: the words in what one printed, "" if there are none. `ending_seconds`: how
      long after the end of a job they may not know of it yet.
    - `job_id`: a regexp for the id in what `submit` printed, group `job_id_group` of it.
    - `refusals`: regexps for what `submit` complains of, and what to do about that.
    - `tag`: arguments for `submit` that mark a job with `{tag}`; `find`: prints lines with id and mark of all our jobs.
    - `version`, `variants`: a command, and by regexps for what it prints the name of the system that it is instead.

    The default script: `shebang`; of `directives`, (field, line), those whose field is set; `tasks` where `n` engines
    are one job, with `array` an array, else a parallel one (`lost_tasks`: a regexp for what such a job prints when
    some of its tasks fail: which, and how), and `alone` where they are not; then `engines` or
    `controller`, the commands. `fields`: what its lines need beside the usual fields. `prefix`: what directives start
    with, "" where there are none. `environment`: variables as lines of the script, put after its last directive.
    `name_length`: of a job, at most. `minutes`: a time limit given as a number. `array_output`, `split_output`: what
    the name of an output file needs to differ by task of an array, and by job of a split set; `array_variable`,
    `split_variable`: the same for the job's own shell, which writes a file whose name no directive can have. `split`:
    each engine is a job of its own, unless options say otherwise.
    """

    name: str
    submit: tuple[str, ...]
    cancel: tuple[str, ...]
    status: tuple[str, ...] = ()
    read_status: Callable[[str], list[JobState]] = lambda _: []
    signal: tuple[str, ...] = ()
    submit_by_stdin: bool = False
    not_known: str = ""
    one_by_one: bool = False
    reasons: tuple[str, ...] = ()
    read_reasons: Callable[[str], dict[str, tuple[str, str]]] = lambda _: {}
    endings: tuple[tuple[str, ...], ...] = ()
    read_ending: Callable[[str], str] = lambda _: ""
    ending_seconds: float = 0.0
    job_id: str = r"\d+"
    job_id_group: int = 0
    tag: tuple[str, ...] = ()
    find: tuple[str, ...] = ()
    version: tuple[str, ...] = ()
    variants: tuple[tuple[str, str], ...] = ()

    refusals: tuple[tuple[str, str], ...] = ()

    prefix: str = ""
    shebang: str = "#!/bin/sh"
    directives: tuple[tuple[str, str], ...] = ()
    tasks: str = ""
    array: bool = False
    lost_tasks: str = ""
    alone: str = ""
    engines: str = "{program_and_args}"
    controller: str = "exec {program_and_args}"
    change_directory: str = "cd {quote(work_dir)}"
    environment: Callable[[Mapping[str, str]], list[str]] = shell_exports
    name_length: int = 60
    minutes: Callable[[int], str] = hours_and_minutes
    fields: Callable[[Command], Mapping[str, object]] = lambda _: {}
    array_output: str = ""
    split_output: str = ""
    array_variable: str = ""
    split_variable: str = ""
    split: bool = False
