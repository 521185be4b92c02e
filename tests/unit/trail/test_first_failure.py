"""Which step of a start failed first."""

from __future__ import annotations

import pytest

from engineroom.trail import steps
from engineroom.trail.first_failure import advice, failures, in_brief, waiting
from engineroom.trail.fixes import fix_for
from engineroom.trail.steps import Step


def made(at: float, who: str, step: str, words: str = "") -> Step:
    return Step(at=at, who=who, step=step, words=words)


def failed(at: float, who: str, step: str, words: str = "", fix: str = "") -> Step:
    return Step(at=at, who=who, step=step, ok=False, words=words, fix=fix)


def test_a_start_without_trouble_has_no_failure() -> None:
    assert failures([made(1, "controller", steps.LISTENS), made(2, "engine set 1", steps.REGISTERED)]) == []


def test_the_step_that_comes_first_in_a_start_is_named_even_if_others_were_told_earlier() -> None:
    told = [
        failed(1, "engine set 1", steps.REGISTERED, "4 of 4 engines did not register"),
        failed(2, "engine pid 7 on node1", steps.ENDED, "exit code 255"),
        failed(3, "engine pid 7 on node1", steps.ADDRESS, "10.0.0.1:4000: Connection refused (ECONNREFUSED)"),
    ]
    first = failures(told)[0]
    assert (first.who, first.step) == (("engine pid 7 on node1",), steps.ADDRESS)
    assert "ipcluster list" in first.fix


def test_an_address_that_does_not_answer_is_no_failure_once_another_one_does() -> None:
    told = [
        failed(1, "engine pid 7 on n", steps.ADDRESS, "10.0.0.1:4000"),
        made(2, "engine pid 7 on n", steps.HANDSHAKE),
    ]
    assert failures(told) == []


def test_what_others_achieve_makes_nothing_good() -> None:
    told = [
        failed(1, "engine pid 7 on n", steps.HANDSHAKE, "wrong key"),
        made(2, "engine pid 8 on n", steps.REGISTERED),
    ]
    assert [each.words for each in failures(told)] == ["wrong key"]


def test_a_set_that_is_started_again_begins_anew() -> None:
    assert not failures(
        [failed(1, "engine set 1", steps.ENDED, "time limit"), made(2, "engine set 1", steps.SUBMITTED)]
    )


def test_an_engine_that_died_and_is_back_has_not_failed() -> None:
    assert not failures([failed(1, "engine 3", steps.ENDED, "SIGKILL"), made(2, "engine 3", steps.REGISTERED)])


def test_processes_with_the_same_trouble_are_told_together() -> None:
    told = [failed(pid, f"engine pid {pid}", steps.IMPORTS, "No module named 'msgspec'") for pid in range(5)]
    (only,) = failures(told)
    assert str(only) == "engine pid 0, engine pid 1 and 3 more: No module named 'msgspec'"


@pytest.mark.parametrize(
    ("told", "words", "fix"),
    [
        ("job 7 is late (fix: ask for more); output: a.log", "job 7 is late; output: a.log", "ask for more"),
        ("refused: no queue. Fix: set `queue` (it is s.sh)", "refused: no queue (it is s.sh)", "set `queue`"),
        ("refused: no queue. Fix: set `queue`", "refused: no queue", "set `queue`"),
    ],
)
def test_a_fix_within_the_words_is_told_apart(told: str, words: str, fix: str) -> None:
    (only,) = failures([failed(1, "engine set 1", steps.SUBMITTED, told)])
    assert (only.words, only.fix) == (words, fix)


def test_what_waits_in_a_queue_has_not_failed_and_says_for_what() -> None:
    told = [made(1, "engine set 1", steps.SUBMITTED), made(2, "engine set 1", steps.QUEUED, "Slurm: Resources")]
    assert failures(told) == []
    assert [step.step for step in waiting(told)] == [steps.QUEUED]
    assert in_brief(told) == "engine set 1: queued (Slurm: Resources)"


def test_advice_adds_what_an_error_does_not_say_itself() -> None:
    told = [failed(1, "engine set 1", steps.REACHED, "Could not resolve hostname node9", fix="correct the name")]
    assert (
        advice(told, told="nothing came")
        == "\nwhy: engine set 1: Could not resolve hostname node9\nfix: correct the name"
    )
    assert advice(told, told="ssh: Could not resolve hostname node9") == "\nfix: correct the name"
    assert advice([], told="nothing came") == ""


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        ("OSError: [Errno 28] No space left on device", "make room"),
        ("ModuleNotFoundError: No module named 'engineroom'", "install engineroom"),
        ("you speak protocol 2.0 and this controller speaks 1.0", "same version"),
        (
            "wrong key: the exec_key in this ipcontroller-engine.json is not the controller's",
            "fetch the connection file",
        ),
        ("10.0.0.1:4000: Connection refused (ECONNREFUSED)", "--ip='*'"),
        ("ssh: Could not resolve hostname node9: Name or service not known", "correct the host's name"),
        ("bind: Cannot assign requested address", "--ip"),
        ("the controller can't listen on head.invalid, port 0: Name or service not known", "--ip='*'"),
        ("ssh: Could not resolve hostname head.invalid: Name or service not known", "~/.ssh/config"),
        ("work_dir: [Errno 2] No such file or directory: '/nowhere'", "--work-dir"),
        ("/opt/python9: No such file or directory", "correct the path"),
        ("condor_submit can't be run: no directory of $PATH has it", "where that command is installed"),
        ("job 12 hit its time limit", "timelimit"),
        ("sbatch: error: Batch job submission failed: Invalid partition name specified", "--dry-run"),
        ("job 12 was cancelled by user 1000", "see who ended it"),
        ("engineroom-engines: out of memory", "more memory"),
        ("python -m engineroom.engine: No such file or directory", "correct the path"),
        ("/p/ipcluster_config.py: SyntaxError: invalid syntax (ipcluster_config.py, line 3)", "correct that file"),
        ("/etc/passwd can't be started: Permission denied", "executable"),
        ("killed by SIGKILL", "want of memory"),
        ("the connection file /x.json is not JSON: Expecting value", "copy it again"),
        ("2 of 2 engines did not register within 60 s; the log of one, /x, is empty", "engine_timeout"),
        ("/tmp/engineroom-0 is accessible to other users (mode 755 instead of 700)", "ENGINEROOM_SOCKET_DIR"),
    ],
)
def test_the_fix_for(words: str, fix: str) -> None:
    assert fix in fix_for(words)


def test_what_is_not_known_has_no_fix() -> None:
    assert fix_for("the moon is full") == ""
