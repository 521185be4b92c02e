"""HTCondor. What is submitted is a description of the job rather than a script of a shell."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping

from engineroom.cluster.launchers.launcher import Command, State
from engineroom.cluster.launchers.systems.system import BatchSystem, JobState, worst

_IDLE, _RUNNING, _REMOVED, _COMPLETED, _HELD, _TRANSFERRING, _SUSPENDED = (str(number) for number in range(1, 8))

_PERIODIC = "PeriodicRemove"
"""What HTCondor names where a job's own rule had it removed: of ours, the only one is its time limit."""


def read_status(output: str) -> list[JobState]:
    """Return the states in lines of condor_q: `7 0 5 reason`, cluster, process, number of the state, why it is held."""
    found = []
    for line in output.splitlines():
        job, _, state, reason = [*line.split(maxsplit=3), *[""] * 4][:4]
        if job.isdigit():
            found.append(_state(job, state, "" if reason == "undefined" else reason.strip('"')))
    return found


def _state(job: str, state: str, reason: str) -> JobState:
    if state == _IDLE:
        why = f"run `condor_q -better-analyze {job}` to see why"
        return JobState(job, State.WAITING, "no machine is free for it yet", why)
    if state == _HELD:
        return JobState(job, State.WAITING, f"it is held: {reason or 'for no reason given'}", _release(job))
    if state in {_REMOVED, _COMPLETED}:
        return JobState(job, State.ENDED)
    return JobState(job, State.RUNNING, "suspended" if state == _SUSPENDED else "")


def _release(job: str) -> str:
    return f"fix that, then `condor_release {job}`"


def read_ending(output: str) -> str:
    """Return how a job ended, from lines of condor_history, one for each process: the worst that befell one.

    A line has the state, whether it was a signal, the exit code, the signal, and why it was removed.
    """
    words = [_ending(line) for line in output.splitlines() if line.strip()]
    return worst(words)


def _ending(line: str) -> str:
    state, by_signal, code, signum, reason = [*line.split(maxsplit=4), *["undefined"] * 5][:5]
    if state == _REMOVED:
        if _PERIODIC in reason:
            return "reached its time limit"
        words = "" if reason == "undefined" else reason.strip('"')
        return f"was removed{': ' if words else ''}{words}"
    if by_signal == "true":
        return f"was killed by signal {signum}"
    return "ended" if code in {"0", "undefined"} else f"failed with exit code {code}"


def quoted(words: Iterable[str]) -> str:
    """Return `words` as one value of a description: within double quotes, with single quotes where there are blanks."""
    return '"' + " ".join(map(_word, words)).replace('"', '""') + '"'


def _word(word: str) -> str:
    word = word.replace("$(", "$(DOLLAR)(")
    inside = word.replace("'", "''")
    return f"'{inside}'" if re.search(r"[\s']", word) or not word else word


def environment(variables: Mapping[str, str]) -> list[str]:
    """Return the lines that give a job `variables`, and nothing of the environment in which it was submitted."""
    pairs = (f"{name}={value}" for name, value in variables.items())
    return ["getenv = False", f"environment = {quoted(pairs)}"]


def seconds(limit: object) -> int:
    """Return a time limit, written as H:MM:SS, in seconds."""
    total = 0
    for part in str(limit).split(":"):
        total = total * 60 + int(part)
    return total


def _fields(command: Command) -> dict[str, object]:
    program = command.argv[0]  # HTCondor does not look for it on the path
    return {"executable": shutil.which(program) or program, "arguments": quoted(command.argv[1:]), "seconds": seconds}


_RUN = "universe = vanilla\nexecutable = {executable}\narguments = {arguments}\ntransfer_executable = False"

HTCONDOR = BatchSystem(
    name="HTCondor",
    submit=("condor_submit",),
    job_id=r"submitted to cluster (\d+)",
    job_id_group=1,
    cancel=("condor_rm",),
    status=("condor_q", "{job}", "-af", "ClusterId", "ProcId", "JobStatus", "HoldReason"),
    read_status=read_status,
    not_known="Couldn't find/remove|not found",
    endings=(
        ("condor_history", "{job}", "-af", "JobStatus", "ExitBySignal", "ExitCode", "ExitSignal", "RemoveReason"),
    ),
    read_ending=read_ending,
    ending_seconds=5.0,
    tag=("-batch-name", "{tag}"),
    find=("condor_q", "-af", "ClusterId", "JobBatchName"),
    refusals=(
        ("Can't find address|connect to", "check that `condor_q` works here"),
        ("[Ee]xecutable|access", "check that the program exists and is readable"),
    ),
    shebang="",
    directives=(
        ("work_dir", "initialdir = {work_dir}"),
        ("output_file", "output = {output_file}.out\nerror = {output_file}\nlog = {output_file}.events"),
        ("account", "accounting_group = {account}"),
        ("timelimit", "periodic_remove = JobStatus == 2 && time() - EnteredCurrentStatus > {seconds(timelimit)}"),
        ("options", "{options}"),
    ),
    engines=f"{_RUN}\nqueue {{n}}",
    array=True,
    controller=f"{_RUN}\nqueue 1",
    change_directory="",
    environment=environment,
    fields=_fields,
    array_output=".$(Process)",
)
