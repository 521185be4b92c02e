"""LSF."""

from __future__ import annotations

import re

from engineroom.cluster.launchers.launcher import State
from engineroom.cluster.launchers.systems.system import BatchSystem, JobState

_WAITING = {
    "PEND": "",
    "PSUSP": "it is held",
    "WAIT": "it waits for its members",
    "FWD_PEND": "it waits in another cluster",
}
_RUNNING = {
    "RUN": "",
    "USUSP": "suspended by its owner or an administrator",
    "SSUSP": "suspended by LSF",
    "UNKWN": "its machine does not answer LSF",
    "PROV": "its machine is being made ready",
}

_ENDINGS = (
    ("TERM_RUNLIMIT", "reached its time limit", "set a longer timelimit, or choose another queue"),
    ("TERM_CPULIMIT", "reached its limit of processor time", "choose another queue"),
    ("TERM_DEADLINE|TERM_WINDOW", "reached the end of its queue's run window", "choose another queue"),
    ("TERM_MEMLIMIT|TERM_SWAP", "ran out of memory", "ask for more, as by options='-M 4GB'"),
    ("TERM_OWNER", "was killed by its owner", ""),
    ("TERM_ADMIN|TERM_FORCE_ADMIN", "was killed by an administrator", ""),
    (
        "TERM_PREEMPT",
        ("was preempted by a job with a higher priority"),
        "start the engines again, or use another queue",
    ),
    ("TERM_REMOVE_HUNG_JOB|TERM_ZOMBIE|TERM_LOAD|TERM_PC_|TERM_SLURM", "was ended by LSF", ""),
)


def read_status(output: str) -> list[JobState]:
    """Return the states in lines of bjobs: `16|PEND|-|-|reason`, one for each element of an array."""
    found = []
    for line in output.splitlines():
        job, state, code, ending, reason = [*(part.strip() for part in line.split("|", 4)), *[""] * 5][:5]
        if number := re.match(r"\d+", job):
            found.append(_state(number[0], state, code, ending, "" if reason == "-" else reason))
    return found


def _state(job: str, state: str, code: str, ending: str, reason: str) -> JobState:
    if state in _WAITING:
        fix = f"release it with `bresume {job}`" if state == "PSUSP" else ""
        return JobState(job, State.WAITING, reason.rstrip(";. ") or _WAITING[state] or "LSF gives no reason", fix)
    if state in _RUNNING:
        return JobState(job, State.RUNNING, _RUNNING[state])
    if state == "DONE":
        return JobState(job, State.ENDED, "ended")
    for regexp, words, fix in _ENDINGS:
        if re.search(regexp, ending):
            return JobState(job, State.ENDED, words, fix)
    return JobState(job, State.ENDED, _exit_words(code))


def _exit_words(code: str) -> str:
    if not code.isdigit():
        return "ended"
    return f"was killed by signal {int(code) - 128}" if int(code) > 128 else f"failed with exit code {code}"


LSF = BatchSystem(
    name="LSF",
    submit=("bsub",),
    submit_by_stdin=True,
    job_id=r"Job <(\d+)>",
    job_id_group=1,
    cancel=("bkill",),
    signal=("bkill", "-s", "{signal}"),
    status=("bjobs", "-noheader", "-o", "jobid stat exit_code exit_reason pend_reason delimiter='|'", "{job}"),
    read_status=read_status,
    not_known="is not found|No unfinished job found|No matching job found|already finished",
    tag=("-Jd", "{tag}"),
    find=("bjobs", "-noheader", "-o", "jobid job_description"),
    refusals=(
        ("[Qq]ueue", "set `queue` to one that `bqueues` lists"),
        ("[Pp]roject", "set `account` to a project that you may use"),
        ("RUNLIMIT|run limit|Bad run", "set a shorter `timelimit`, as H:MM"),
        ("[Rr]esource requirement", "ask for resources that `lsinfo` lists, see `options`"),
    ),
    prefix="#BSUB",
    directives=(
        ("output_file", "#BSUB -o {output_file}"),
        ("queue", "#BSUB -q {queue}"),
        ("account", "#BSUB -P {account}"),
        ("timelimit", "#BSUB -W {timelimit}"),
        ("options", "#BSUB {options}"),
    ),
    tasks="#BSUB -J {job_name}[1-{n}]",
    array=True,
    alone="#BSUB -J {job_name}",
    engines="exec {program_and_args}",
    array_output=".%I",
    array_variable=".$LSB_JOBINDEX",
    minutes=lambda minutes: f"{minutes // 60}:{minutes % 60:02}",
)
