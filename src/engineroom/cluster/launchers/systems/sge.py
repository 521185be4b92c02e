"""Grid Engine: Son of Grid Engine, Univa's and Altair's, Sun's."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from engineroom.cluster.launchers.launcher import State
from engineroom.cluster.launchers.systems.system import BatchSystem, JobState, worst
from engineroom.cluster.launchers.systems.task_lists import tasks_in
from engineroom.machine.signals import signal_name

_NO_REASONS = "Collecting of scheduler job information is turned off"


def read_status(output: str) -> list[JobState]:
    """Return the states in what `qstat -xml` prints: an entry for each task that runs, one for all that wait."""
    if not output.strip():
        return []
    return [
        _state(
            entry.findtext("JB_job_number", ""), entry.findtext("state", ""), tasks_in(entry.findtext("tasks") or "1")
        )
        for entry in ET.fromstring(output[max(0, output.find("<?xml")) :]).iter("job_list")
    ]


def _state(job: str, letters: str, tasks: int) -> JobState:
    """`letters`: E error, h held, q queued, w waits, t is sent, r runs, R again, s S T suspended, d being deleted."""
    if "E" in letters:
        return JobState(job, State.WAITING, tasks=tasks)
    if "h" in letters:
        return JobState(job, State.WAITING, "it is held", f"release it with `qrls {job}`", tasks)
    if "q" in letters:
        return JobState(job, State.WAITING, tasks=tasks)
    return JobState(job, State.RUNNING, "suspended" if set(letters) & set("sST") else "", tasks=tasks)


def read_reasons(output: str) -> dict[str, tuple[str, str]]:
    """Return, by job, why it waits and what to do about that, from what `qstat -j` prints of each."""
    found = {}
    for block in re.split(r"^=+$", output, flags=re.MULTILINE):
        number = re.search(r"^job_number:\s*(\d+)", block, re.MULTILINE)
        if number is not None:
            found[number[1]] = _reason(number[1], block)
    return found


def _reason(job: str, block: str) -> tuple[str, str]:
    if (error := re.search(r"^error reason.*?\berror: (.*)", block, re.MULTILINE)) is not None:
        return f"in error: {error[1].strip()}", f"fix that, then `qmod -cj {job}`"
    told = re.search(r"^scheduling info:\s*(.*(?:\n .*)*)", block, re.MULTILINE)
    lines = [line.strip() for line in told[1].splitlines()] if told is not None else []
    if not lines or _NO_REASONS in lines[0]:
        return "", ""
    dropped: dict[str, list[str]] = {}
    others = []
    for line in lines:
        if (queue := re.fullmatch(r'queue instance "(.+?)" dropped because it is (.*)', line)) is not None:
            dropped.setdefault(queue[2], []).append(queue[1])
        elif "not contained in its hard queue list" not in line:  # nor did anybody ask for that queue
            others.append(line)
    words = [f"{_listed(queues)} {'is' if len(queues) == 1 else 'are'} {what}" for what, queues in dropped.items()]
    return "; ".join([*words, *others]) or lines[0], ""


def _listed(queues: list[str]) -> str:
    return ", ".join(queues[:3]) + (f" and {len(queues) - 3} more" if len(queues) > 3 else "")


def read_ending(output: str) -> str:
    """Return how a job ended, from what `qacct -j` prints of each of its tasks: the worst that befell one."""
    records = [
        dict(re.findall(r"^(\w+)[ \t]+(.*?)[ \t]*$", block, re.MULTILINE))
        for block in re.split(r"^=+$", output, flags=re.MULTILINE)
    ]
    words = [_ending(record) for record in records if "jobnumber" in record]
    return worst(words)


def _ending(record: dict[str, str]) -> str:
    failed = record.get("failed", "0")
    if "enforced" in failed:
        limits = re.findall(r"\b[hs]_(rt|cpu|vmem|rss)=", record.get("category", ""))
        memory = {"vmem", "rss"}.intersection(limits) and not {"rt", "cpu"}.intersection(limits)
        return "reached its memory limit" if memory else "reached its time limit"
    code = int(re.match(r"\d*", record.get("exit_status", ""))[0] or 0)  # type: ignore[index]  # it always matches
    if code > 128:
        name = signal_name(code - 128)
        return f"was killed by {name}{' (by qdel, or on its machine)' if name == 'SIGKILL' else ''}"
    if code:
        return f"failed with exit code {code}"
    _, _, words = failed.partition(":")
    return f"failed: {words.strip()}" if words.strip() else "ended"


SGE = BatchSystem(
    name="Grid Engine",
    submit=("qsub", "-terse"),
    job_id=r"^(?:Your job(?:-array)? |(?=\d+(?:\.[\d:-]+)?\s*$))(\d+)",
    job_id_group=1,
    cancel=("qdel",),
    status=("qstat", "-xml", "-u", "{user}"),
    read_status=read_status,
    reasons=("qstat", "-j", "{jobs}"),
    read_reasons=read_reasons,
    not_known="does not exist",
    endings=(("qacct", "-j", "{job}"),),
    read_ending=read_ending,
    ending_seconds=20.0,  # by default the master writes down how jobs ended every 15 s
    refusals=(
        ("queue", "set `queue` to one that `qconf -sql` lists"),
        ("project", "set `account` to a project that `qconf -sprjl` lists"),
        ("no submit host", "start on a machine that `qconf -ss` lists"),
        ("not a time value|h_rt", "write `timelimit` as H:MM:SS"),
        ("resource", "ask for resources that `qconf -sc` lists, see `options`"),
    ),
    prefix="#$",
    directives=(
        ("job_name", "#$ -N {job_name}"),
        ("output_file", "#$ -S /bin/sh\n#$ -V\n#$ -j y\n#$ -o {output_file}"),
        ("queue", "#$ -q {queue}"),
        ("account", "#$ -P {account}"),
        ("timelimit", "#$ -l h_rt={timelimit}"),
        ("options", "#$ {options}"),
    ),
    tasks="#$ -t 1-{n}",
    array=True,
    engines="exec {program_and_args}",
    array_output=".$TASK_ID",
    array_variable=".$SGE_TASK_ID",
)
