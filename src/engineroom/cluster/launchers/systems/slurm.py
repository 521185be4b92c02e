"""Slurm."""

from __future__ import annotations

import re

from engineroom.cluster.launchers.launcher import State
from engineroom.cluster.launchers.systems.system import BatchSystem, JobState, worst
from engineroom.cluster.launchers.systems.task_lists import tasks_in

_WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
_RUNNING = {"RUNNING", "COMPLETING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED"}

_REASONS = {
    "Resources": "the nodes that it needs are busy",
    "Priority": "jobs with a higher priority are ahead of it",
    "Dependency": "it waits for another job",
    "BeginTime": "its start time has not come",
    "Licenses": "a licence that it needs is in use",
    "Reservation": "its reservation has not begun",
    "ReqNodeNotAvail": "nodes that it needs are down, drained or reserved",
    "PartitionDown": "the partition is down",
    "PartitionInactive": "the partition starts no jobs at present",
}
"""What Slurm's reasons mean, where that is not plain from the word."""

_NEVER = {
    "PartitionNodeLimit": "the partition does not have that many nodes: start fewer engines, or use another queue",
    "PartitionTimeLimit": "the partition allows less time: set a shorter timelimit",
    "PartitionConfig": "the partition does not allow such a job: choose another queue",
    "BadConstraints": "no node meets the requirements of the job: see `options`",
    "InvalidAccount": "the account does not exist: set `account`",
    "InvalidQOS": "the quality of service does not exist: set `qos`",
    "JobHeldUser": "it is held: release it with `scontrol release JOBID`",
    "JobHeldAdmin": "an administrator holds it",
}
"""Reasons that do not go away by waiting, and what to do."""

_ENDINGS = {
    "COMPLETED": ("ended", ""),
    "CANCELLED": ("was cancelled", ""),
    "FAILED": ("failed", ""),
    "TIMEOUT": ("reached its time limit", "set a longer timelimit, or ask for a partition that allows it"),
    "DEADLINE": ("reached its deadline", ""),
    "OUT_OF_MEMORY": ("ran out of memory", "ask for more, as by options='--mem-per-cpu=4G'"),
    "NODE_FAIL": ("was lost with its node", "start the engines again"),
    "BOOT_FAIL": ("was lost: its node did not boot", "start the engines again"),
    "PREEMPTED": ("was preempted by a job with a higher priority", "start the engines again, or use another queue"),
    "REVOKED": ("was revoked", ""),
}


def read_status(output: str) -> list[JobState]:
    """Return the states in lines of squeue: `12_3|PENDING|Resources`."""
    found = []
    for line in output.splitlines():
        job, _, rest = line.strip().partition("|")
        state, _, reason = rest.partition("|")
        if state:
            number, _, tasks = job.partition("_")
            found.append(_state(number, state, reason.strip(), tasks_in(tasks.strip("[]")) if tasks else 1))
    return found


def _state(job: str, state: str, reason: str, tasks: int) -> JobState:
    reason = "" if reason == "None" else reason
    if state in _WAITING:
        word = reason.partition(",")[0].strip("()")
        meaning = _REASONS.get(word) or _NEVER.get(word, "")
        words = f"{reason}{f' ({meaning})' if meaning else ''}"
        return JobState(job, State.WAITING, words, _NEVER.get(word, ""), tasks)
    if state in _RUNNING:
        return JobState(job, State.RUNNING, "is suspended" if state == "SUSPENDED" else "", tasks=tasks)
    # What it failed of is told by scontrol, where the reason is only that it did.
    words, fix = _ENDINGS.get(state, (f"ended ({state})", ""))
    return JobState(job, State.ENDED, "" if state == "FAILED" else words, fix, tasks)


def read_ending(output: str) -> str:
    """Return how a job ended, from `scontrol --oneliner show job` or `sacct --parsable2`: of an array, the worst that
    befell a task."""
    words = [words for line in output.splitlines() if (words := _ending(line))]
    return worst(words)


def _ending(line: str) -> str:
    fields = dict(re.findall(r"(\w+)=(\S*)", line))
    if not fields:
        fields = dict(zip(("JobState", "ExitCode"), line.split("|"), strict=False))
    state = fields.get("JobState", "").split(" ")[0]
    words, _ = _ENDINGS.get(state, ("", ""))
    code, _, signum = fields.get("ExitCode", "").partition(":")
    if state == "FAILED" and signum not in {"", "0"}:
        return f"was killed by signal {signum}"
    return f"failed with exit code {code}" if state == "FAILED" else words


SLURM = BatchSystem(
    name="Slurm",
    submit=("sbatch",),
    cancel=("scancel",),
    signal=("scancel", "--signal={signal}"),
    status=("squeue", "--noheader", "--states=all", "--format=%i|%T|%r", "--jobs={jobs}"),
    read_status=read_status,
    not_known="Invalid job id",
    endings=(
        ("scontrol", "--oneliner", "show", "job", "{job}"),
        ("sacct", "--noheader", "--parsable2", "--allocations", "--format=State,ExitCode", "--jobs={job}"),
    ),
    read_ending=read_ending,
    # A site's sbatch may have more to say, and a wrapper of it may use --parsable.
    job_id=r"(?:Submitted batch job |^(?=\d+(?:;\S+)?\s*$))(\d+)",
    job_id_group=1,
    tag=("--comment={tag}",),
    find=("squeue", "--me", "--noheader", "--format=%i %k"),
    refusals=(
        ("[Pp]artition", "set `queue` to a partition that `sinfo` lists"),
        ("[Aa]ccount", "set `account` to one of yours, as `sacctmgr show associations` lists them"),
        ("QOS|qos", "set `qos` to one that you may use"),
        ("[Tt]ime limit|time specification", "set a shorter `timelimit`, as `sinfo` shows it for the partition"),
        ("[Nn]ode count|not available", "start fewer engines"),
    ),
    prefix="#SBATCH",
    directives=(
        ("job_name", "#SBATCH --job-name={job_name}"),
        ("output_file", "#SBATCH --output={quote(output_file)}"),
        ("queue", "#SBATCH --partition={queue}"),
        ("account", "#SBATCH --account={account}"),
        ("qos", "#SBATCH --qos={qos}"),
        ("timelimit", "#SBATCH --time={timelimit}"),
        ("options", "#SBATCH {options}"),
    ),
    tasks="#SBATCH --ntasks={n}",
    lost_tasks=r"^srun: error: \S+ tasks? ([\d,-]+): (.+)$",
    split_output=".%j",
    split_variable=".$SLURM_JOB_ID",
    # An engine that dies must not take the others with it, whatever is usual at the site.
    engines="srun --kill-on-bad-exit=0 --wait=0 {program_and_args}",
)
