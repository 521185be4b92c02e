"""Hosts that come and go, and what ends by itself when the host that started it is gone."""

from __future__ import annotations

import pytest

from engineroom.core.actions import Action, EndEngine, Look, Stop
from engineroom.core.events import Began, EngineUp, HostClosed, HostSays, HostUp, Seen
from engineroom.ids import Peer
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import Coming
from tests.unit.core.pretend import Play, instance_id

HOST, OTHER = b"h" * 16, b"o" * 16
CLOSED = Closing(Why.CLOSED, "closed")
GOODBYE = Closing(Why.GOODBYE, "")


def in_a_job(number: int, host: bytes = HOST) -> EngineUp:
    return EngineUp(instance_id(number), host=host, launched=True)


def ends(actions: list[Action]) -> list[int]:
    return [action.engine for action in actions if isinstance(action, EndEngine)]


def expected(play: Play) -> bool:
    """Whether the host's word still counts."""
    return HOST in play.state.hosts


@pytest.fixture(name="play")
def _play() -> Play:
    """Return a core with a host that is about to start engines."""
    play = Play()
    play(5, HostUp(HOST, 55))
    play(5, HostSays(HOST, Coming(2)))
    return play


def test_one_that_said_goodbye_is_gone_at_once(play: Play) -> None:
    play(5, HostClosed(GOODBYE))
    assert not expected(play)


def test_one_whose_process_has_ended_is_gone_at_once(play: Play) -> None:
    assert Look(Peer(5), 55) in play(5, HostClosed(CLOSED))
    assert expected(play)
    play(5, Seen(lives=False))
    assert not expected(play)


@pytest.mark.parametrize(
    ("closing", "tunnel", "seconds"),
    [(CLOSED, False, 2), (CLOSED, True, 10), (Closing(Why.SILENT, ""), False, 60)],
)
def test_others_have_time_to_come_back(play: Play, closing: Closing, tunnel: bool, seconds: float) -> None:
    play(6, HostUp(HOST, 0, tunnel))
    play(6, HostClosed(closing))
    play.tick(seconds - 0.01)
    assert expected(play)
    play.tick(0.01)
    assert not expected(play)


def test_one_that_is_back_is_not_gone(play: Play) -> None:
    play(5, HostClosed(CLOSED))
    play(6, HostUp(HOST, 55))
    play(5, Seen(lives=False))  # of its last connection
    play.tick(1000)
    assert expected(play)


def test_engines_of_a_host_that_does_not_come_back_are_to_end(play: Play) -> None:
    play(10, in_a_job(0))
    play(11, in_a_job(1, OTHER))
    play(12, EngineUp(instance_id(2), host=HOST, spawned=True))
    play(7, HostUp(OTHER))
    play(5, HostClosed(CLOSED))
    assert ends(play.tick(59.9)) == []
    actions = play.tick(0.1)
    assert ends(actions) == [0]
    assert EndEngine(Peer(10), 0, "the ipcluster that started this engine has been gone for 60 s") in actions


def test_an_engine_that_comes_when_its_host_is_gone_already_is_to_end(play: Play) -> None:
    play(11, in_a_job(0, OTHER))
    play(10, in_a_job(1))
    assert ends(play.tick(60)) == [0]


def test_engines_of_a_host_that_comes_back_stay(play: Play) -> None:
    play(10, in_a_job(0))
    play(5, HostClosed(CLOSED))
    play(6, HostUp(HOST))
    assert ends(play.tick(1000)) == []


def test_a_controller_ends_when_the_host_that_had_it_started_has_been_gone_for_the_lease() -> None:
    play = Play()
    play(0, Began(HOST))
    assert not [action for action in play.tick(59.9) if isinstance(action, Stop)]
    play(5, HostUp(HOST))
    assert not [action for action in play.tick(1000) if isinstance(action, Stop)]
    play(5, HostClosed(CLOSED))
    assert not [action for action in play.tick(59.9) if isinstance(action, Stop)]
    assert Stop("the ipcluster that started this controller has been gone for 60 s") in play.tick(0.1)


def test_a_controller_that_nobody_had_started_has_no_lease() -> None:
    play = Play()
    play(0, Began(b""))
    assert play.tick(1000) == []
