"""Kept results, causes of death, limits."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from engineroom.engine.attempts import Ended
from engineroom.engine.budget import Budget
from engineroom.engine.deaths import OutOfMemory, cause_with_evidence
from engineroom.engine.limits import ResultTooLarge, check_size
from engineroom.engine.logs import Log
from engineroom.engine.results import KeptResults
from engineroom.ids import SessionId, task_id
from engineroom.protocol.messages import Delivered, Finished, Outcome


def ended(number: int) -> Ended:
    return Ended(Finished(number, task_id(SessionId(bytes(16)), number), 1, Outcome(0, 0.0, 0.0)), None, None)


def test_results_are_kept_until_they_are_delivered() -> None:
    kept = KeptResults(Budget(1 << 30, hold=lambda _: None, tell=lambda: None))
    results = [ended(number) for number in range(1, 6)]
    for result in results:
        kept.add(result)
    kept.acknowledge(Delivered(2, also=((4, 4),)))
    assert list(kept.unacknowledged()) == [results[2], results[4]]
    assert (results[2].message.task, 1) in kept
    assert (results[0].message.task, 1) not in kept
    kept.acknowledge(Delivered(1))
    kept.acknowledge(Delivered(5))
    assert not kept.unacknowledged()


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "exit code 0"), (3, "exit code 3"), (-signal.SIGSEGV, "killed by SIGSEGV"), (-60, "killed by signal 60")],
)
def test_causes_are_words(code: int, words: str) -> None:
    assert cause_with_evidence(code, OutOfMemory()) == words


def test_a_kill_for_want_of_memory_says_so(tmp_path: Path) -> None:
    counter = tmp_path / "memory.events"
    counter.write_text("low 0\noom 1\noom_kill 1\n")
    memory = OutOfMemory([counter])
    assert cause_with_evidence(-signal.SIGKILL, memory) == "killed by SIGKILL"
    counter.write_text("low 0\noom 2\noom_kill 2\n")
    assert cause_with_evidence(-signal.SIGTERM, memory) == "killed by SIGTERM"
    assert cause_with_evidence(-signal.SIGKILL, memory) == "killed by SIGKILL (out of memory)"


def test_sizes() -> None:
    assert check_size(b"abc", 3) == 3
    assert check_size([memoryview(b"ab"), memoryview(b"c")], 3) == 3
    with pytest.raises(ResultTooLarge, match=r"has 4 bytes.*at most 3"):
        check_size(b"abcd", 3)


def test_a_log_is_bounded_and_keeps_its_descriptor(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "logs" / "engine.log"), max_bytes=10)
    descriptor = log.descriptor
    for text in ("123456\n", "abcdef\n", "last\n"):
        log.write(text)
    log.close()
    assert log.descriptor == descriptor
    assert (tmp_path / "logs" / "engine.log").read_text() == "last\n"
    assert (tmp_path / "logs" / "engine.log.1").read_text() == "abcdef\n"
    assert (tmp_path / "logs" / "engine.log.2").read_text() == "123456\n"
