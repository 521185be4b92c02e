"""PBS: Torque, and PBS Pro or OpenPBS, whose commands have the same names."""

from __future__ import annotations

import re
from dataclasses import replace

from engineroom.cluster.launchers.launcher import State
from engineroom.cluster.launchers.systems.system import BatchSystem, JobState
from engineroom.machine.signals import signal_name

_STATES = {
    **dict.fromkeys("QHWTM", State.WAITING),
    **dict.fromkeys("BRESU", State.RUNNING),
    **dict.fromkeys("CFX", State.ENDED),
}

_WAITING = {"H": "it is held", "W": "its start time has not come", "T": "it is being moved", "M": "it was moved"}

_EXIT_CODES = {
    -10: "exceeded a memory limit",
    -11: "reached its time limit",
    -12: "reached its limit of processor time",
    -26: "exceeded its limit of virtual memory",
    -27: "exceeded a memory limit",
    -28: "reached its limit of processor time",
    -29: "reached its time limit",
}
"""What ended a job, where PBS ended it: -10 to -12 are Torque's, the others PBS Pro's."""

_FIXES = {
    "time limit": "set a longer `timelimit`",
    "memory": "ask for more, as by options='-l mem=8gb'",
    "held": "release it with qrls",
}

_SIGNALLED = 256
"""Added to the number of the signal that ended a job's script."""


def read_status(output: str) -> list[JobState]:
    """Return the states in what `qstat -f` printed."""
    found = []
    for text in re.split(r"^Job Id:\s*", output, flags=re.MULTILINE)[1:]:
        job, _, rest = text.partition("\n")
        attributes: dict[str, str] = {}
        for line in re.findall(r"^\s+([\w.]+) = (.*)$", rest, re.MULTILINE):
            attributes.setdefault(line[0].lower(), line[1].strip())
        found += _states(job.strip(), attributes)
    return found


def _states(job: str, attributes: dict[str, str]) -> list[JobState]:
    letter = attributes.get("job_state", "Q")
    state = _STATES.get(letter, State.RUNNING)
    comment = attributes.get("comment", "")
    if state is State.ENDED:
        words = _how_it_ended(attributes.get("exit_status", ""), comment)
        return [JobState(job, state, words, _fix(words))]
    counts = attributes.get("array_state_count", "")
    if letter == "B":
        return _of_array(job, counts, comment)
    tasks = 1 if re.match(r"\d+\[\d+\]", job) else _counts(counts).get("queued", 0)
    if state is State.WAITING:
        words = comment or _WAITING.get(letter, "")
        return [JobState(job, state, words, _fix(words), tasks)]
    return [JobState(job, state, tasks=tasks)]


def _of_array(job: str, counts: str, comment: str) -> list[JobState]:
    """Return the states of an array that has begun: `Queued:1 Running:3 Exiting:0 Expired:0`."""
    n = _counts(counts)
    queued, begun = n.get("queued", 0), n.get("running", 0) + n.get("exiting", 0)
    waiting = [JobState(job, State.WAITING, comment, tasks=queued)] if queued else []
    return waiting + ([JobState(job, State.RUNNING, tasks=begun)] if begun or not waiting else [])


def _counts(told: str) -> dict[str, int]:
    return {name.lower(): int(count) for name, count in re.findall(r"(\w+):(\d+)", told)}


def _how_it_ended(code: str, comment: str) -> str:
    if "exceeded resource walltime" in comment or ("walltime" in comment and "limit" in comment):
        return "reached its time limit"
    if not re.fullmatch(r"-?\d+", code):
        return ""
    number = int(code)
    if number in _EXIT_CODES:
        return _EXIT_CODES[number]
    if number < 0:
        return f"could not be run ({comment or f'exit status {number}'})"
    if number > _SIGNALLED:
        return f"was killed by {signal_name(number - _SIGNALLED)}"
    return f"failed with exit code {number}" if number else "ended"


def _fix(words: str) -> str:
    return next((fix for word, fix in _FIXES.items() if word in words), "")


TORQUE = BatchSystem(
    name="PBS",
    submit=("qsub",),
    cancel=("qdel",),
    signal=("qsig", "-s", "{signal}"),
    status=("qstat", "-f", "{job}"),
    read_status=read_status,
    not_known=r"[Uu]nknown [Jj]ob|[Jj]ob has finished|\A\s*\Z",
    job_id=r"^\d+(\[\d*\])?(\.[\w.-]+)?(?=\s*$)",
    refusals=(
        ("[Qq]ueue|partition", "set `queue` to one that `qstat -Q` lists"),
        ("[Aa]ccount", "set `account` to one of yours"),
        ("walltime|resource|limit", "ask for less: `options`, `timelimit`, n"),
    ),
    version=("qstat", "--version"),
    variants=((r"pbs_version|pbspro|openpbs", "PBS Pro"),),
    prefix="#PBS",
    directives=(
        ("job_name", "#PBS -N {job_name}"),
        ("output_file", "#PBS -j oe"),
        ("output_file", "#PBS -o {output_file}"),
        ("queue", "#PBS -q {queue}"),
        ("account", "#PBS -A {account}"),
        ("timelimit", "#PBS -l walltime={timelimit}"),
        ("options", "#PBS {options}"),
        ("job_name", "#PBS -V"),
    ),
    tasks="#PBS -t 1-{n}",
    array=True,
    name_length=15,
    array_variable="-$PBS_ARRAYID",  # as Torque itself appends it
)

PBS_PRO = replace(
    TORQUE,
    name="PBS Pro",
    status=("qstat", "-x", "-f", "{job}"),
    version=(),
    variants=(),
    tasks="#PBS -J 1-{n}",
    array_output=".^array_index^",
    array_variable=".$PBS_ARRAY_INDEX",
)
