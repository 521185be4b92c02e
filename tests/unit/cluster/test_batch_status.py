"""What batch systems say of jobs, and what is made of it."""

from __future__ import annotations

import pytest

from engineroom.cluster.launchers.batch import status_of
from engineroom.cluster.launchers.jobs.board import number_of
from engineroom.cluster.launchers.jobs.parts import ended_jobs, ended_tasks, lost_tasks, worst_of
from engineroom.cluster.launchers.launcher import State, Status
from engineroom.cluster.launchers.systems import pbs, slurm
from engineroom.cluster.launchers.systems.system import JobState
from engineroom.cluster.launchers.systems.task_lists import tasks_in

SQUEUE = """\
12|PENDING|Resources
13|RUNNING|None
14_[3-4]|PENDING|QOSMaxJobsPerUserLimit
14_1|COMPLETING|None
15|TIMEOUT|TimeLimit
16|OUT_OF_MEMORY|OutOfMemory
17|FAILED|NonZeroExitCode
18|PENDING|PartitionTimeLimit
"""


def test_slurms_states_and_reasons() -> None:
    states = slurm.read_status(SQUEUE)
    assert [(state.job, state.state) for state in states] == [
        ("12", State.WAITING),
        ("13", State.RUNNING),
        ("14", State.WAITING),
        ("14", State.RUNNING),
        ("15", State.ENDED),
        ("16", State.ENDED),
        ("17", State.ENDED),
        ("18", State.WAITING),
    ]
    assert [state.words for state in states] == [
        "Resources (the nodes that it needs are busy)",
        "",
        "QOSMaxJobsPerUserLimit",
        "",
        "reached its time limit",
        "ran out of memory",
        "",
        "PartitionTimeLimit (the partition allows less time: set a shorter timelimit)",
    ]
    assert "longer timelimit" in states[4].fix


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("JobId=1 JobState=FAILED Reason=NonZeroExitCode ExitCode=3:0 X=y", "failed with exit code 3"),
        ("JobId=1 JobState=FAILED Reason=x ExitCode=0:9", "was killed by signal 9"),
        ("JobId=1 JobState=CANCELLED ExitCode=0:15", "was cancelled"),
        ("FAILED|2:0\n", "failed with exit code 2"),
        ("CANCELLED by 0|0:0\n", "was cancelled"),
        (
            "JobId=1 JobState=COMPLETED ExitCode=0:0\nJobId=2 JobState=FAILED ExitCode=3:0\nJobId=3 JobState=RUNNING",
            "failed with exit code 3",
        ),
        ("", ""),
    ],
)
def test_how_slurm_says_a_job_ended(output: str, words: str) -> None:
    assert slurm.read_ending(output) == words


QSTAT = """\
Job Id: 12.server
    Job_Name = ipengine
    job_state = Q
    comment = Not Running: Insufficient amount of resource: ncpus
    Variable_List = PBS_O_HOME=/home/me,PBS_O_PATH=/bin,
\tPBS_O_X = job_state = R

Job Id: 13[].server
    job_state = B
    array_state_count = Queued:1 Running:2 Exiting:0 Expired:1

Job Id: 14.server
    job_state = F
    Exit_status = -29
    comment = Job run at Mon and failed

Job Id:\t15
\tjob_state = C

Job Id: 16.server
    job_state = C
    exit_status = 271

Job Id: 17.server
    job_state = H
"""


def test_the_states_of_pbs() -> None:
    assert [(state.job, state.state, state.words) for state in pbs.read_status(QSTAT)] == [
        ("12.server", State.WAITING, "Not Running: Insufficient amount of resource: ncpus"),
        ("13[].server", State.WAITING, ""),
        ("13[].server", State.RUNNING, ""),
        ("14.server", State.ENDED, "reached its time limit"),
        ("15", State.ENDED, ""),
        ("16.server", State.ENDED, "was killed by SIGTERM"),
        ("17.server", State.WAITING, "it is held"),
    ]
    assert pbs.read_status(QSTAT)[-1].fix == "release it with qrls"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("0", "ended"),
        ("1", "failed with exit code 1"),
        ("-11", "reached its time limit"),
        ("-1", "could not be run (c)"),
    ],
)
def test_exit_codes_of_pbs(code: str, words: str) -> None:
    (state,) = pbs.read_status(f"Job Id: 1\n    job_state = C\n    comment = c\n    exit_status = {code}\n")
    assert state.words == words


@pytest.mark.parametrize(
    ("listed", "tasks"),
    [("1", 1), ("3-5", 3), ("1,4-6,8-12:2%3", 7), ("2-5:1", 4), ("1,3,5,...", 0), ("", 0)],
)
def test_how_many_tasks_a_list_of_them_names(listed: str, tasks: int) -> None:
    assert tasks_in(listed) == tasks


def test_how_many_tasks_each_state_is_of() -> None:
    assert [state.tasks for state in slurm.read_status(SQUEUE)] == [1, 1, 2, 1, 1, 1, 1, 1]
    assert [state.tasks for state in slurm.read_status("14_[3,5,...]|PENDING|x\n")] == [0]
    assert [state.tasks for state in pbs.read_status(QSTAT)] == [0, 1, 2, 1, 1, 1, 0]
    assert [state.tasks for state in pbs.read_status("Job Id: 12[3].server\n    job_state = R\n")] == [1]


RUNS, ENDED = JobState("7", State.RUNNING), JobState("7", State.ENDED)


@pytest.mark.parametrize(
    ("states", "ended"),
    [
        ([RUNS, RUNS, RUNS], 0),
        ([RUNS, ENDED, RUNS], 1),  # listed
        ([RUNS, RUNS], 1),  # left out
        ([JobState("7", State.WAITING, tasks=2), RUNS], 0),
        ([JobState("7", State.WAITING, tasks=2)], 1),
        ([JobState("7", State.WAITING, tasks=0)], 0),  # nobody knows
        ([JobState("7", State.WAITING, tasks=0), ENDED], 0),
    ],
)
def test_how_many_of_three_tasks_have_ended(states: list[JobState], ended: int) -> None:
    assert ended_tasks(states, 3) == ended


def test_how_many_jobs_of_a_split_set_have_ended() -> None:
    waits = JobState("8", State.WAITING, tasks=0)
    assert ended_jobs([waits, RUNS, ENDED], 3) == 1
    assert ended_jobs([waits, RUNS, RUNS, ENDED], 2) == 0  # which are arrays themselves


def test_tasks_of_a_job_that_failed_by_what_slurm_printed() -> None:
    printed = (
        "srun: error: n1: task 3: Segmentation fault\nINFO srun: error: n1: task 9: no\n"
        "srun: error: n2: tasks 0-1,5: Exited with exit code 3\nsrun: Force Terminated StepId=1.0\n"
    )
    assert lost_tasks(slurm.SLURM.lost_tasks, printed) == (4, "Segmentation fault")
    assert lost_tasks(slurm.SLURM.lost_tasks, "") == (0, "")


def test_the_words_that_tell_most() -> None:
    well, badly = JobState("7", State.ENDED, "ended"), JobState("7", State.ENDED, "was cancelled")
    assert worst_of([RUNS, ENDED, well, badly]) == badly
    assert worst_of([well, ENDED]) == well
    assert worst_of([ENDED, RUNS]) is None


def test_a_set_waits_as_long_as_a_part_of_it_waits() -> None:
    waiting = JobState("12", State.WAITING, "Priority")
    running, ended = JobState("13", State.RUNNING), JobState("14", State.ENDED, "was cancelled", "start again")
    assert status_of(slurm.SLURM, [running, waiting, ended]) == Status(
        State.WAITING, "Slurm job 12 is queued: Priority; Slurm job 14 was cancelled (fix: start again)"
    )
    assert status_of(slurm.SLURM, [running, ended]).state is State.RUNNING
    assert status_of(slurm.SLURM, [ended, ended]) == Status(
        State.ENDED, "Slurm job 14 was cancelled (fix: start again)"
    )
    assert status_of(slurm.SLURM, [running, JobState("15", State.ENDED)]).words == "Slurm job 15 ended"
    many = [JobState(str(n), State.WAITING, "Priority") for n in range(20, 28)]
    assert status_of(slurm.SLURM, many).words == "Slurm job 20, 21, 22, 23, 24 and 3 more is queued: Priority"


@pytest.mark.parametrize("job", ["12", "12.server", "12[].server", "12[3]", "12_7", "12.1-4:1", "12.0"])
def test_tasks_are_known_by_the_number_of_their_job(job: str) -> None:
    assert number_of(job) == "12"
