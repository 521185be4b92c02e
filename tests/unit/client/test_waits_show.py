"""Which waits show how far they are, where, and what of it stays."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

import engineroom as er
from engineroom import Client
from engineroom.client.state.tasks import Task
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController, connected
from tests.unit.client.test_waits_say import Terminal, waits


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return what becomes `sys.stderr` in a test."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("IPP_NONINTERACTIVE", raising=False)
    return Terminal()


WAYS: dict[str, Callable[[Client], object]] = {
    "map_async, get": lambda rc: rc.load_balanced_view().map_async(abs, range(3), progress=True).get(SECONDS),
    "map_sync": lambda rc: rc.load_balanced_view().map_sync(abs, range(3), progress=True),
    "direct map_sync": lambda rc: rc[:].map_sync(abs, range(3), progress=True),
    "map": lambda rc: rc[:].map(abs, range(3), block=True, progress=True),
    "imap": lambda rc: list(rc.load_balanced_view().imap(abs, range(3), progress=True)),
    "unordered imap": lambda rc: list(rc.load_balanced_view().imap(abs, range(3), progress=True, ordered=False)),
    "executor's map": lambda rc: list(rc.executor.map(abs, range(3), progress=True)),
    "executor's map, ahead": lambda rc: list(rc.executor.map(abs, range(3), buffersize=5, progress=True)),
    "iteration": lambda rc: list(rc.load_balanced_view().map_async(abs, range(3), progress=True)),
    "get": lambda rc: rc[:].apply_async(abs, 1).get(SECONDS, progress=True),
    "wait": lambda rc: rc[:].apply_async(abs, 1).wait(SECONDS, progress=True),
    "wait, first": lambda rc: rc[:].apply_async(abs, 1).wait(SECONDS, "FIRST_COMPLETED", progress=True),
    "rc.wait": lambda rc: rc.wait(rc[:].apply_async(abs, 1), SECONDS, progress=True),
    "wait_interactive": lambda rc: rc[:].apply_async(abs, 1).wait_interactive(timeout=SECONDS),
    "rc.wait_interactive": lambda rc: rc.wait_interactive(rc[:].apply_async(abs, 1), timeout=SECONDS),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_asked_for_is_shown_from_the_start_and_its_end_stays(
    way: str, fake: FakeController, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    fake.holding = True
    with connected(fake, patience=None) as rc:
        waits(fake, lambda: WAYS[way](rc), lambda: "0/" in terminal.getvalue() and fake.held)
    end = terminal.getvalue().rpartition("\x1b[J")[2]
    if way == "wait, first":  # a later wait shows the rest
        assert end == "" or "2/2 tasks" in end
    else:
        assert "3/3 items" in end or "2/2 tasks" in end
        assert end.count("\n") == 1


def test_many_waits_for_one_result_leave_one_line(
    fake: FakeController, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    fake.holding = True
    with connected(fake) as rc:
        result = rc.load_balanced_view().map_async(abs, range(3), chunksize=1, progress=True)
        for left in range(2):
            assert not result.wait(0.01)
            fake.answer()
            assert result[left] == left
        waits(fake, lambda: result[2], lambda: "2/3" in terminal.getvalue())
    ends = re.findall(r"\x1b\[J([^\x1b\r]\S* .*)\n", terminal.getvalue())
    assert len(ends) == 1
    assert "3/3 items" in ends[0]


@pytest.mark.parametrize("way", ["map", "get", "wait"])
def test_nothing_is_shown_to_who_does_not_want_it(
    way: str, fake: FakeController, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    fake.holding = True
    with connected(fake, patience=0.01) as rc:
        view = rc.load_balanced_view()
        result = view.map_async(abs, range(3), **({"progress": False} if way == "map" else {}))
        assert wait_until(lambda: fake.held)
        if way == "wait":
            assert not result.wait(0.3, progress=False)
        else:
            with pytest.raises(TimeoutError):
                result.get(0.3, **({} if way == "map" else {"progress": False}))
        rc.abort()
    assert terminal.getvalue() == ""


def test_a_wait_inside_a_task_shows_nothing_that_nobody_asked_for(
    fake: FakeController, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("ENGINEROOM_ENGINE", "ab.cd")
    fake.holding = True
    with connected(fake, patience=0.01) as rc:
        assert not rc[:].apply_async(abs, 1).wait(0.3)
        rc.abort()
    assert "tasks" not in terminal.getvalue()


def test_without_a_terminal_there_are_lines(fake: FakeController, capsys: pytest.CaptureFixture[str]) -> None:
    fake.holding = True
    with connected(fake) as rc:
        waits(fake, lambda: rc[:].apply_async(abs, 1).wait(SECONDS, progress=True), lambda: len(fake.held) == 1)
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith("apply:abs: 0 of 2 tasks done after 0.0 s")
    assert last.startswith("apply:abs: 2 of 2 tasks done after ")


def test_an_iteration_has_one_bar_that_is_away_while_the_loop_writes(
    fake: FakeController, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    with connected(fake) as rc:
        for _ in rc.load_balanced_view().map_async(abs, range(50), chunksize=1, progress=True):
            assert terminal.getvalue().endswith("\x1b[J")
    assert terminal.getvalue().count("\n") <= 2


@pytest.mark.parametrize("sizes", [[], [3], [2, 1, 4]])
def test_what_is_iterated_over_has_as_many_values_as_its_length_says(rc: Client, sizes: list[int]) -> None:
    view = rc.load_balanced_view()
    results: list[Any] = [view.map_async(abs, range(size)) for size in sizes]
    results += [view.apply_async(abs, 1), rc[:].apply_async(abs, 2)]
    joined = er.AsyncResult.join(*results)
    assert len(list(joined)) == len(joined) == sum(sizes) + 3
    assert joined.progress == len(joined)


def test_items_are_counted_once_as_their_chunks_arrive(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc.load_balanced_view().map_async(abs, range(5000), chunksize=3)
    assert wait_until(lambda: len(fake.held) == 1667)
    for answered, items in ((1, 3), (400, 1203), (1200, 4803), (66, 5000)):
        fake.answer(answered)
        assert wait_until(lambda: result._counts().done == result.progress == items)  # noqa: B023 (called at once)
    assert result._counts()[:4] == (5000, 5000, "items", "map:abs")


def test_large_arguments_are_shown_as_they_are_sent(session: Any) -> None:
    from engineroom.client.connection.vigil import Vigil
    from engineroom.client.progress.standing import Counts
    from engineroom.client.state.tasks import Request
    from engineroom.protocol.messages import DEFAULT_OPTIONS, Call, Stream

    request = Request(Call(1, b"", Stream(1, 10**9)), None, DEFAULT_OPTIONS, [memoryview(b"x")], 10**9, None, 0, 2, 7)
    tasks = [Task(0, request, None, 1.0, engine, engine, 7 + engine) for engine in range(2)]

    class Push:
        _progress = None
        _vigil = None

        def _awaited(self) -> list[Task]:
            return tasks

        def _counts(self) -> Counts:
            return Counts(0, 2, name="push")

    left = [600 * 10**6]
    vigil = Vigil(session.id, session.questions, lambda _: None, Push(), lambda numbers: left[0] * (numbers == (7,)))
    assert vigil._standing().counts == Counts(400, 1000, "MB sent", "push")
    left[0] = 0
    assert vigil._standing().counts == Counts(0, 2, "tasks", "push")
    for task in tasks:
        assert not vigil._standing().counts.at_once
        task.started = 1.0
    assert vigil._standing().counts.at_once
    session.close()


def test_a_lazy_map_that_is_left_early_leaves_the_screen_to_others(
    fake: FakeController, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    with connected(fake) as rc:
        results = rc.load_balanced_view().imap(abs, range(3), progress=True)
        assert next(results) == 0
        del results
        rc[:].apply_async(abs, 1).get(SECONDS, progress=True)
    assert "2/2 tasks" in terminal.getvalue()
