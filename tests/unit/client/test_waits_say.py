"""Whoever waits sees what for: a line on a terminal, one warning in a program, nothing when nothing is wrong there."""

from __future__ import annotations

import asyncio
import io
import logging
import re
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom import Client
from engineroom.client.connection.overview import first_that_waits, overview
from engineroom.client.state.tasks import Task
from engineroom.protocol.messages import Outcome, Status, TasksStarted
from engineroom.protocol.questions import AboutTask
from engineroom.protocol.task_ranges import one_task
from tests.conftest import wait_until
from tests.unit.client.fake_controller import FakeController, connected

NOBODY = AboutTask("queued", "no engine has gpu >= 1", stands=True)
BUSY = AboutTask("queued", "both engines that may run it are busy; 7 tasks are waiting for them")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return what becomes `sys.stderr` in a test: what a fixture puts there, pytest replaces."""
    shown = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("IPP_NONINTERACTIVE", raising=False)
    return shown


def waits(fake: FakeController, wait: Callable[[], object], until: Callable[[], object]) -> None:
    """Have a thread wait until something is so; then the calls end, also those that arrive later."""
    thread = threading.Thread(target=wait)
    thread.start()
    try:
        assert wait_until(until)
    finally:
        ended = wait_until(lambda: fake.answer(len(fake.held)) or not thread.is_alive())
        assert ended, "the wait goes on although all its calls have ended"


def test_on_a_terminal_a_line_says_what_a_call_waits_for_and_is_gone_at_its_end(
    fake: FakeController, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    fake.holding, fake.about = True, BUSY
    with connected(fake, patience=0.1) as rc:
        view = rc.load_balanced_view()
        results = view.map_async(abs, range(3), chunksize=1)
        task = results._tasks[0]
        fake.do(fake.send, TasksStarted(1, one_task(task.id(rc._session.id))))
        words = rf"0/3 items[^@]*1 runs on engine 1 \(\d+ s\), 2 wait: {BUSY.why}"
        waits(fake, results.wait, lambda: re.search(words, terminal.getvalue()))
        assert terminal.getvalue().endswith("\r\x1b[1A\x1b[J")


@pytest.mark.parametrize("kind", ["get", "wait", "rc.wait", "iteration", "result", "gather"])
def test_every_kind_of_wait_says_so_once_in_a_program_if_nothing_goes_on(
    fake: FakeController, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    fake.holding, fake.about = True, NOBODY
    with connected(fake, patience=0.02) as rc, caplog.at_level(logging.WARNING):
        result = rc.load_balanced_view().map_async(abs, [1])

        def wait() -> None:
            kinds: dict[str, Callable[[], Any]] = {
                "get": lambda: result.get(return_exceptions=True),
                "wait": result.wait,
                "rc.wait": rc.wait,
                "iteration": lambda: list(result),
                "result": result.exception,
                "gather": lambda: asyncio.run(_gather(result)),
            }
            try:
                kinds[kind]()
            except Exception:  # noqa: BLE001 (it is aborted in the end)
                return

        waits(fake, wait, lambda: "no engine has gpu >= 1" in caplog.text)
    said = [record.message for record in caplog.records if "gpu" in record.message]
    assert said == ["waiting for a task: it waits: no engine has gpu >= 1"]


async def _gather(result: Any) -> None:
    await asyncio.gather(result, return_exceptions=True)


def test_a_program_is_told_nothing_of_what_goes_on(fake: FakeController, caplog: pytest.LogCaptureFixture) -> None:
    fake.holding, fake.about = True, BUSY
    with connected(fake, patience=0.02) as rc, caplog.at_level(logging.WARNING):
        result = rc.load_balanced_view().apply_async(abs, 1)
        assert not result.wait(0.3)
        rc.abort()
    assert caplog.text == ""


def test_nothing_is_said_without_patience(
    fake: FakeController, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    fake.holding, fake.about = True, NOBODY
    with connected(fake, patience=None) as rc:
        result = rc.load_balanced_view().apply_async(abs, 1)
        assert not result.wait(0.3)
        rc.abort()
    assert terminal.getvalue() == ""


def test_who_waits_in_vain_is_told_why(rc: Client, fake: FakeController) -> None:
    fake.holding, fake.about = True, NOBODY
    result = rc.load_balanced_view().apply_async(abs, 1)
    with pytest.raises(TimeoutError, match=r"no result in 0\.5 s: no engine has gpu >= 1"):
        result.get(timeout=0.5)
    fake.about = BUSY
    with pytest.raises(TimeoutError, match=r"no result in 0\.5 s: it waits: both engines that may run it are busy"):
        result.get(timeout=0.5)
    fake.about = AboutTask("sent", "it is on engine 1, behind 3 others", 1)
    several = rc.load_balanced_view().map_async(abs, range(3), chunksize=1)
    with pytest.raises(TimeoutError, match=r"no result in 0\.5 s: 3 wait: one is on engine 1, behind 3 others$"):
        several.get(timeout=0.5)


def test_an_engine_that_has_left_is_told_of_at_once(fake: FakeController, caplog: pytest.LogCaptureFixture) -> None:
    fake.holding = True
    with connected(fake, patience=2.0) as rc, caplog.at_level(logging.WARNING):
        result = rc.load_balanced_view().apply_async(abs, 1)
        for engine in (0, 1):
            fake.do(fake.leave, engine, "killed by SIGKILL")
        assert wait_until(lambda: not rc.ids)
        assert not result.wait(1.0)
        assert "all engines have left (engine 0: killed by SIGKILL" in caplog.text
        rc.abort()


@given(st.lists(st.sampled_from(["waits", "runs", "ended"]), max_size=30), st.booleans())
def test_all_are_counted_and_none_twice(states: list[str], known: bool) -> None:
    tasks = []
    for number, state in enumerate(states, 1):
        task = Task(0, None, None, 0.0, -1, number % 3, number)
        task.started = float(state == "runs")
        if state == "ended":
            task.outcome = Outcome(Status.OK, 0.0, 0.0)
        tasks.append(task)
    words = overview(tasks, "why not" if known else "")
    left = [state for state in states if state != "ended"]
    first = first_that_waits(tasks)
    assert (first is None) is (not left)
    assert not left or words.startswith("waiting for ")
    if len(states) > 1 and "waits" in left:
        count = left.count("waits")
        assert f"{count} {'waits' if count == 1 else 'wait'}{': why not' if known else ''}" in words
        assert first is not None
        assert states[first.number - 1] == "waits"
