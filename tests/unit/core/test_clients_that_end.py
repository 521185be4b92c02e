"""Tasks of a client that ends: they go on, or end with it if it asked for that."""

from __future__ import annotations

import pytest

from engineroom.core.events import ClientGone, ClientUp
from engineroom.core.explain import explain_task
from engineroom.protocol.messages import Interrupt, Started, Withdraw
from tests.unit.core.conftest import CLIENT, ENGINE_0
from tests.unit.core.pretend import Play, session_id, submit, task

GRACE = 2.1


@pytest.fixture
def leaving(two: Play) -> Play:
    """Return a core whose client wants its tasks to end with it: 1 runs, 2 is sent behind it."""
    two(CLIENT, ClientGone())
    two(CLIENT, ClientUp(session_id(), withdraw=True))
    two(CLIENT, submit(1, (0, 0)))
    two(ENGINE_0, Started(task(1), 1))
    return two


def sent(play: Play, seconds: float) -> list[type]:
    return [type(action.message) for action in play.tick(seconds) if hasattr(action, "message")]


def test_they_are_withdrawn_and_interrupted_once_it_has_not_come_back(leaving: Play) -> None:
    leaving(CLIENT, ClientGone())
    assert Interrupt not in sent(leaving, GRACE - 0.3)
    assert {Interrupt, Withdraw} <= set(sent(leaving, 0.3))
    assert explain_task(leaving.state, task(2)).withdrawn


def test_they_go_on_if_it_comes_back(leaving: Play) -> None:
    leaving(CLIENT, ClientGone())
    leaving(2, ClientUp(session_id(), withdraw=True))
    assert Interrupt not in sent(leaving, 10.0)


def test_they_go_on_if_it_has_not_asked_for_that(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(ENGINE_0, Started(task(1), 1))
    two(CLIENT, ClientGone())
    assert Interrupt not in sent(two, 10.0)
