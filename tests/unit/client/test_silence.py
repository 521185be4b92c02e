"""Calls that wait for somebody who does not answer say so, with what to do, and no others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engineroom import Client
from engineroom.client.state.silent_engines import SilentEngines
from engineroom.ids import Instance
from engineroom.protocol.messages import EngineSilent
from tests.conftest import wait_until
from tests.unit.client.fake_controller import FakeController, connected


def silent(engine: int, seconds: float = 12.0, tasks: int = 0, *, away: bool = False) -> EngineSilent:
    return EngineSilent(engine, Instance(bytes([engine]) * 16), seconds, tasks, away)


def tell(fake: FakeController, *messages: EngineSilent) -> None:
    for message in messages:
        fake.do(fake.send, message)
    fake.do(fake.send, silent(99, 0.0))


def why_not(get: Callable[[float], object]) -> str:
    with pytest.raises(TimeoutError) as raised:
        get(0.05)
    return str(raised.value)


def test_a_call_bound_to_a_silent_engine_says_what_it_waits_for(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    bound, other = rc[1].apply_async(abs, -1), rc[0].apply_async(abs, -1)
    tell(fake, silent(1))
    assert wait_until(lambda: "engine 1 has not answered for 12 s" in why_not(bound.get))
    words = why_not(other.get)
    assert "rc.send_signal('SIGCONT', targets=[1])" in words
    tell(fake, silent(1, 0.0))
    assert wait_until(lambda: why_not(bound.get) == "no result in 0.05 s")


def test_a_balanced_call_waits_for_whoever_holds_it_or_for_all_if_all_are_silent(
    rc: Client, fake: FakeController
) -> None:
    fake.holding = True
    balanced = rc.load_balanced_view().apply_async(abs, -1)
    tell(fake, silent(1))
    assert why_not(balanced.get) == "no result in 0.05 s"
    tell(fake, silent(1, tasks=1))
    assert wait_until(lambda: "engine 1 has" in why_not(balanced.get))
    tell(fake, silent(1), silent(0))
    assert wait_until(lambda: "engines 0, 1 have not answered" in why_not(balanced.get))


def test_one_that_has_left_or_is_another_now_is_silent_no_longer(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    waiting = rc.load_balanced_view().apply_async(abs, -1)
    tell(fake, silent(0, tasks=1), silent(1, tasks=1))
    assert wait_until(lambda: "engines 0, 1 have" in why_not(waiting.get))
    fake.do(fake.leave, 0, "killed by SIGKILL")
    assert wait_until(lambda: "engine 1 has" in why_not(waiting.get))


def test_one_that_is_away_is_told_of_in_other_words() -> None:
    engines = SilentEngines()
    engines.heard_of(silent(3, away=True))
    assert engines.words([3]).startswith("engine 3 has lost the connection to the controller 12 s ago")


def test_many_are_not_all_named() -> None:
    engines = SilentEngines()
    for engine in range(100):
        engines.heard_of(silent(engine))
    words = engines.words(range(100))
    assert words.startswith("engines 0, 1, 2, 3 and 96 more have not answered for 12 s")
    assert len(words) < 400


def test_a_controller_that_does_not_answer_is_pinged_while_somebody_waits_and_told_of(
    fake: FakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.heartbeat, fake.holding = 0.1, True
    with connected(fake) as rc:
        waiting = rc[0].apply_async(abs, -1)
        assert wait_until(lambda: fake.held)
        assert fake.connection is not None
        monkeypatch.setattr(fake.connection, "buffer_updated", lambda _: None)
        assert wait_until(lambda: "the controller has not answered for" in why_not(waiting.get))
        monkeypatch.undo()
        tell(fake)
        assert wait_until(lambda: why_not(waiting.get) == "no result in 0.05 s")


def test_a_task_is_told_that_its_calls_wait_for_engines_that_may_wait_as_it_does(
    fake: FakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.holding = True
    with connected(fake, patience=0.01) as rc:
        inner = rc.load_balanced_view().apply_async(abs, -1)
        assert why_not(inner.get) == "no result in 0.05 s"
        monkeypatch.setenv("ENGINEROOM_ENGINE", "ab.cd")
        assert "all 2 engines are busy, perhaps with tasks that wait as this one does" in why_not(inner.get)
        fake.do(fake.leave, 0, "exit code 0")
        assert wait_until(lambda: "the only engine is busy, probably with this task" in why_not(inner.get))
        rc[1].apply_async(abs, -1)
        assert why_not(inner.get) == "no result in 0.05 s"


def test_a_task_is_told_nothing_of_calls_that_it_has_just_made(
    rc: Client, fake: FakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINEROOM_ENGINE", "ab.cd")
    fake.holding = True
    inner = rc.load_balanced_view().apply_async(abs, -1)
    assert why_not(inner.get) == "no result in 0.05 s"
