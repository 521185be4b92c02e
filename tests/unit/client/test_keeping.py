"""Calls that are kept for engines that start later, and those that cannot be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engineroom import Client, EngineroomError, PackError
from engineroom.client.connection.session import Session
from engineroom.protocol.messages import Forget, Keep, Submit, Sync
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController


@pytest.mark.parametrize("beside", [b"", bytes(1 << 21)], ids=["small", "large"])
@pytest.mark.parametrize("depth", [0, 2])
def test_results_that_are_not_there_yet_are_not_kept(
    rc: Client, fake: FakeController, beside: bytes, depth: int
) -> None:
    fake.holding = True
    result = rc.load_balanced_view().apply_async(abs, -1)
    value: Any = result
    for _ in range(depth):
        value = [value]
    with pytest.raises(PackError, match=r"the call 'push x, y' cannot be kept.* has not ended.*`ar\.get\(\)`"):
        rc[:].push({"x": value, "y": beside}, keep=True)
    with pytest.raises(PackError, match="the call 'scatter x' cannot be kept"):
        rc[:].scatter("x", [value, beside], keep=True)
    assert rc.kept == []
    fake.answer()
    assert result.get() == 1
    assert len([message for message in fake.heard if isinstance(message, Submit)]) == 1


def be_away(fake: FakeController, session: Session) -> None:
    """Have the controller be away until it is `reachable` again."""
    fake.reachable = False
    fake.do(fake.cut)
    assert wait_until(lambda: session.silence.is_away)


def test_nobody_waits_for_a_controller_that_is_away_to_have_a_call_kept(
    rc: Client, session: Session, fake: FakeController
) -> None:
    be_away(fake, session)
    result = rc[:].push({"x": 1}, keep=True, block=False)
    assert result is not None
    assert not result.done()
    assert [kept.what for kept in rc.kept] == ["push x"]

    fake.reachable = True

    result.get(SECONDS)
    assert {kept.what for kept in fake.heard_of(Keep)} == {"push x"}
    assert len(rc.kept) == 1


def test_a_controller_that_goes_before_it_has_answered_keeps_no_caller_waiting(
    rc: Client, session: Session, fake: FakeController
) -> None:
    fake.deaf = True
    fake.reachable = False
    with ThreadPoolExecutor(1) as thread:
        pushed = thread.submit(rc[:].push, {"x": 1}, keep=True, block=False)
        assert wait_until(lambda: fake.heard_of(Keep))
        fake.do(fake.cut)
        result = pushed.result(SECONDS)
    assert session.silence.is_away
    fake.deaf, fake.reachable = False, True
    assert result is not None
    result.get(SECONDS)


def test_a_controller_that_may_not_have_heard_that_a_call_is_forgotten_is_told_all_that_are_kept(
    rc: Client, session: Session, fake: FakeController
) -> None:
    for value in (1, 2):
        rc[:].push({"x": value}, keep=True)
    first, second = fake.heard_of(Keep)
    assert wait_until(lambda: fake.heard_of(Forget) == [Forget(first.kept)])
    fake.heard.clear()
    be_away(fake, session)
    fake.reachable = True
    assert wait_until(lambda: fake.heard_of(Sync))
    assert [kept.kept for kept in fake.heard_of(Keep)] == [second.kept]
    assert all(sync.whole for sync in fake.heard_of(Sync))


def test_a_call_that_is_refused_is_not_kept(
    rc: Client, session: Session, fake: FakeController, caplog: pytest.LogCaptureFixture
) -> None:
    fake.refusal = "it takes 9 GiB"
    with pytest.raises(EngineroomError, match="it takes 9 GiB"):
        rc[:].push({"x": 1}, keep=True, block=False)
    assert rc.kept == []
    assert not caplog.messages

    be_away(fake, session)
    rc[:].push({"x": 1}, keep=True, block=False)
    fake.reachable = True
    assert wait_until(lambda: not rc.kept)
    assert any("it takes 9 GiB" in said for said in caplog.messages)
