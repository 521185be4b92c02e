"""What Grid Engine, LSF and HTCondor answer, understood. What Grid Engine is quoted with was printed by one."""

from __future__ import annotations

import re

import pytest

from engineroom.cluster.launchers.launcher import State
from engineroom.cluster.launchers.systems import htcondor, lsf, pbs, sge, slurm
from engineroom.cluster.launchers.systems.system import BatchSystem, JobState

WAITING, RUNNING, ENDED = State.WAITING, State.RUNNING, State.ENDED


@pytest.mark.parametrize(
    ("system", "printed", "job"),
    [
        (sge.SGE, "12\n", "12"),
        (sge.SGE, "12.1-4:1\n", "12"),
        (sge.SGE, "3 slots are free\n12\n", "12"),
        (sge.SGE, 'Your job 12 ("e") has been submitted\n', "12"),
        (sge.SGE, 'Your job-array 12.1-3:1 ("e") has been submitted\n', "12"),
        (slurm.SLURM, "2 nodes are down\nSubmitted batch job 12\n", "12"),
        (slurm.SLURM, "12;cluster\n", "12"),
        (pbs.TORQUE, "5 credits left\n12[].server-1\n", "12[].server-1"),
        (pbs.PBS_PRO, "12\n", "12"),
        (lsf.LSF, "Job <16> is submitted to queue <normal>.\n", "16"),
        (lsf.LSF, "Job <16> is submitted to default queue <normal>.\n", "16"),
        (lsf.LSF, "5 hosts are free.\nJob <16> is submitted to default queue <normal>.\n", "16"),
        (htcondor.HTCONDOR, "Submitting job(s)..\n2 job(s) submitted to cluster 7.\n", "7"),
    ],
)
def test_the_id_in_what_a_submission_prints(system: BatchSystem, printed: str, job: str) -> None:
    found = re.search(system.job_id, printed, re.MULTILINE)
    assert found is not None
    assert found[system.job_id_group] == job


QSTAT = "<?xml version='1.0'?>\n<job_info><queue_info>{running}</queue_info><job_info>{pending}</job_info></job_info>"
ENTRY = "<job_list><JB_job_number>{job}</JB_job_number><JB_name>a b</JB_name><state>{state}</state></job_list>"


@pytest.mark.parametrize(
    ("letters", "state"),
    [
        ("qw", JobState("12", WAITING)),
        ("hqw", JobState("12", WAITING, "it is held", "release it with `qrls 12`")),
        ("Eqw", JobState("12", WAITING)),
        ("Rq", JobState("12", WAITING)),
        ("t", JobState("12", RUNNING)),
        ("r", JobState("12", RUNNING)),
        ("Rr", JobState("12", RUNNING)),
        ("dr", JobState("12", RUNNING)),
        ("s", JobState("12", RUNNING, "suspended")),
    ],
)
def test_states_of_grid_engine(letters: str, state: JobState) -> None:
    assert sge.read_status(QSTAT.format(running="", pending=ENTRY.format(job=12, state=letters))) == [state]


def test_tasks_of_an_array_of_grid_engine() -> None:
    running, pending = ENTRY.format(job=2, state="r"), ENTRY.format(job=2, state="qw")
    states = sge.read_status(QSTAT.format(running=running, pending=pending))
    assert [state.state for state in states] == [RUNNING, WAITING]
    assert sge.read_status("") == []


def test_how_many_tasks_of_grid_engine_each_state_is_of() -> None:
    entry = ENTRY.replace("</state>", "</state><tasks>{tasks}</tasks>")
    running, pending = entry.format(job=2, state="r", tasks="1"), entry.format(job=2, state="qw", tasks="3-9:2")
    warned = f"a site's warning\n{QSTAT.format(running=running, pending=pending)}"
    assert [state.tasks for state in sge.read_status(warned)] == [1, 4]


QSTAT_J = """\
==============================================================
job_number:                 2
hard_queue_list:            tiny.q
scheduling info:            queue instance "tiny.q@vm" dropped because it is full
                            cannot run in queue "all.q" because it is not contained in its hard queue list (-q)
==============================================================
job_number:                 4
job_type:                   binary
error reason          1:      11/22/2026 23:43:35 [0:11057]: error: can't open output file "/x": No such file
scheduling info:            queue instance "tiny.q@vm" dropped because it is full
                            Job is in error state
==============================================================
job_number:                 5
scheduling info:            queue instance "a@n1" dropped because it is full
                            queue instance "a@n2" dropped because it is full
                            queue instance "a@n3" dropped because it is full
                            queue instance "a@n4" dropped because it is full
                            queue instance "a@n5" dropped because it is temporarily not available
==============================================================
job_number:                 6
scheduling info:            (Collecting of scheduler job information is turned off)
"""


def test_why_jobs_of_grid_engine_wait() -> None:
    assert sge.read_reasons(QSTAT_J) == {
        "2": ("tiny.q@vm is full", ""),
        "4": ('in error: can\'t open output file "/x": No such file', "fix that, then `qmod -cj 4`"),
        "5": ("a@n1, a@n2, a@n3 and 1 more are full; a@n5 is temporarily not available", ""),
        "6": ("", ""),
    }


QACCT = """\
==============================================================
qname        all.q               
jobnumber    1                   
taskid       {task}                   
failed       {failed}
exit_status  {status}
maxvmem      3.547MB
category     {category}
"""  # noqa: W291 (as it is printed)


@pytest.mark.parametrize(
    ("failed", "status", "category", "words"),
    [
        ("0    ", "0                   ", "NONE", "ended"),
        ("0    ", "3                   ", "NONE", "failed with exit code 3"),
        ("100 : assumedly after job", "137                  (Killed)", "NONE", "was killed by SIGKILL (by qdel, or"),
        ("37  : qmaster enforced h_rt, h_cpu, or h_vmem limit", "137  (Killed)", "-l h_rt=3", "reached its time limit"),
        (
            "44  : execd enforced h_rt, h_cpu, or h_vmem limit",
            "137  (Killed)",
            "-l h_vmem=1G",
            "reached its memory limit",
        ),
        ("26  : opening input/output file", "0  ", "NONE", "failed: opening input/output file"),
    ],
)
def test_how_jobs_of_grid_engine_ended(failed: str, status: str, category: str, words: str) -> None:
    one = QACCT.format(task="undefined", failed=failed, status=status, category=category)
    assert sge.read_ending(one).startswith(words)
    well = QACCT.format(task=2, failed="0    ", status="0  ", category="NONE")
    assert sge.read_ending(well + one).startswith(words)
    assert sge.read_ending("error: job id 1 not found") == ""


@pytest.mark.parametrize(
    ("line", "state"),
    [
        (
            "16|PEND|-|-|New job is waiting for scheduling;",
            JobState("16", WAITING, "New job is waiting for scheduling"),
        ),
        ("16|PEND|-|-|-", JobState("16", WAITING, "LSF gives no reason")),
        ("16|PSUSP|-|-|-", JobState("16", WAITING, "it is held", "release it with `bresume 16`")),
        ("16|RUN|-|-|-", JobState("16", RUNNING)),
        ("16|SSUSP|-|-|-", JobState("16", RUNNING, "suspended by LSF")),
        ("16|DONE|-|-|-", JobState("16", ENDED, "ended")),
        ("16|EXIT|3|-|-", JobState("16", ENDED, "failed with exit code 3")),
        ("16|EXIT|137|-|-", JobState("16", ENDED, "was killed by signal 9")),
        ("16|EXIT|130|TERM_OWNER: job killed by owner|-", JobState("16", ENDED, "was killed by its owner")),
    ],
)
def test_states_of_lsf(line: str, state: JobState) -> None:
    assert lsf.read_status(f"{line}\n") == [state]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("TERM_RUNLIMIT: job killed after reaching LSF run time limit", "reached its time limit"),
        ("TERM_MEMLIMIT: job killed after reaching LSF memory usage limit", "ran out of memory"),
        ("TERM_PREEMPT: job killed after preemption", "was preempted"),
        ("TERM_ADMIN: job killed by root or LSF administrator", "was killed by an administrator"),
        ("TERM_LOAD: job killed after load exceeds threshold", "was ended by LSF"),
    ],
)
def test_what_ended_a_job_of_lsf(reason: str, words: str) -> None:
    [state] = lsf.read_status(f"16|EXIT|137|{reason}|-")
    assert state.words.startswith(words)


@pytest.mark.parametrize(
    ("line", "state", "words"),
    [
        ("7 0 1 undefined", WAITING, "no machine is free for it yet"),
        ("7 0 2 undefined", RUNNING, ""),
        ("7 0 5 Error from slot1@n1: no such directory", WAITING, "it is held: Error from slot1@n1: no such directory"),
        ("7 0 6 undefined", RUNNING, ""),
        ("7 0 7 undefined", RUNNING, "suspended"),
        ("7 0 3 undefined", ENDED, ""),
    ],
)
def test_states_of_htcondor(line: str, state: State, words: str) -> None:
    [found] = htcondor.read_status(f"{line}\n")
    assert (found.job, found.state, found.words) == ("7", state, words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("4 false 0 undefined undefined", "ended"),
        ("4 false 3 undefined undefined", "failed with exit code 3"),
        ("4 true undefined 9 undefined", "was killed by signal 9"),
        ("3 undefined undefined undefined via condor_rm (by user me)", "was removed: via condor_rm (by user me)"),
        (
            "3 undefined undefined undefined The job attribute PeriodicRemove expression 'x' evaluated to TRUE",
            "reached its time limit",
        ),
    ],
)
def test_how_jobs_of_htcondor_ended(line: str, words: str) -> None:
    assert htcondor.read_ending(f"4 false 0 undefined undefined\n{line}\n") == words
    assert htcondor.read_ending("") == ""


def test_words_that_htcondor_reads_as_they_were() -> None:
    assert htcondor.quoted(["a", "b c", 'd"e', "f'g", "", "$(h)"]) == "\"a 'b c' d\"\"e 'f''g' '' $(DOLLAR)(h)\""
    assert [htcondor.seconds(limit) for limit in ("1:30:00", "5:00", 90)] == [5400, 300, 90]
