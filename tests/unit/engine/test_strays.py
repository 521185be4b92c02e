"""Which of the spawner's children are ended: those that engines left which have ended, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engineroom.engine import strays
from engineroom.engine.strays import Strays, descendants
from engineroom.machine import left_behind
from engineroom.machine.left_behind import MARK, STAYS, children_of, end_marked, mark_of, mark_on, session_of, staying
from tests.conftest import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere orphans can't be found")

HOST, ONE, OTHER = b"\1" * 4, b"\2" * 4, b"\3" * 4

Start = Callable[..., int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a process with these variables only, in a session of its own; it is ended at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(**environment: str) -> int:
        started.append(subprocess.Popen(["sleep", "600"], start_new_session=True, env=environment))
        pid = started[-1].pid
        assert wait_until(lambda: not environment or Path(f"/proc/{pid}/environ").read_bytes())  # it is `sleep` by now
        return pid

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(strays.os, "kill", lambda pid, signum: sent.append((pid, signum)))
    return sent


def test_what_is_of_an_engine_that_has_ended_is_ended(start: Start, signalled: list[tuple[int, int]]) -> None:
    left = start(**{MARK: mark_of(HOST, ONE)})
    start(**{MARK: mark_of(HOST, OTHER)})
    start(**{MARK: mark_of(HOST, ONE), STAYS: "1"})
    start()
    found = Strays()
    found.look({4711: mark_of(HOST, OTHER)}, ending=False)
    found.look({4711: mark_of(HOST, OTHER)}, ending=False)
    assert signalled == [(left, signal.SIGTERM)]


def test_an_orphan_in_the_session_of_an_engine_that_lives_is_let_be(
    start: Start, signalled: list[tuple[int, int]]
) -> None:
    orphan = start()
    Strays().look({session_of(orphan): mark_of(HOST, ONE)}, ending=True)
    assert signalled == []


def test_with_the_last_engine_everything_ends_but_what_is_to_stay(
    start: Start, signalled: list[tuple[int, int]]
) -> None:
    ended, staying = {start(), start(**{MARK: mark_of(HOST, OTHER)})}, start(**{STAYS: "1"})
    Strays().look({}, ending=True)
    told = {pid for pid, _ in signalled}  # among them perhaps other children of this process
    assert ended <= told
    assert staying not in told


def test_what_has_no_mark_is_known_as_the_family_of_what_was_ended(
    start: Start, signalled: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    unmarked, stranger = start(), start()
    found = Strays()
    monkeypatch.setattr(strays, "descendants", lambda _: iter([unmarked]))
    found.remember(4711)
    found.look({1: mark_of(HOST, OTHER)}, ending=False)
    assert (unmarked, signal.SIGTERM) in signalled
    assert stranger not in {pid for pid, _ in signalled}


def test_what_does_not_end_is_killed_and_given_up(start: Start, signalled: list[tuple[int, int]]) -> None:
    left, now = start(**{MARK: mark_of(HOST, ONE)}), 0.0
    found = Strays(clock=lambda: now)
    found.look({}, ending=False)
    for now in (0.5, 1.0, 1.5, 2.0, 2.5):  # noqa: B007 (the lambda reads it)
        found.end_overdue()
        found.look({}, ending=False)
    assert signalled == [(left, signal.SIGTERM), (left, signal.SIGKILL)]
    assert found.deadline is None


def test_what_shows_its_mark_a_moment_later_is_ended_then(
    start: Start, signalled: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = start()
    found = Strays()
    found.look({1: mark_of(HOST, OTHER)}, ending=False)
    assert signalled == []
    assert found.deadline is not None
    monkeypatch.setattr(strays, "mark_on", lambda pid: mark_of(HOST, ONE) if pid == late else "")
    found.look({1: mark_of(HOST, OTHER)}, ending=False)
    assert signalled == [(late, signal.SIGTERM)]


def test_a_mark_is_read_only_where_it_is_whole(start: Start) -> None:
    assert mark_on(start(**{MARK: mark_of(HOST, ONE)})) == mark_of(HOST, ONE)
    assert mark_on(start(OTHER=f"{MARK}=x")) == ""
    assert mark_on(start(**staying({MARK: "x"}))) == ""
    assert mark_on(0) == ""


@pytest.mark.parametrize("nothing", ["", "."])
def test_no_mark_at_all_ends_nothing(start: Start, nothing: str) -> None:
    pid = start(**{MARK: ".ab"})
    end_marked(nothing)
    assert session_of(pid)


def test_marks_of_one_host_are_ended_and_those_of_another_are_not(start: Start) -> None:
    ours, theirs = start(**{MARK: mark_of(HOST, ONE)}), start(**{MARK: mark_of(OTHER, ONE)})
    end_marked(mark_of(HOST))
    assert not session_of(ours)
    assert session_of(theirs)


def test_children_are_found_where_the_kernel_does_not_list_them(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    child = start()
    assert child in children_of(os.getpid())
    assert child in descendants(os.getpid())
    monkeypatch.setattr(left_behind.os, "listdir", lambda path: [] if path.endswith("task") else [str(child), "x"])
    assert list(children_of(os.getpid(), listed=False)) == [child]
