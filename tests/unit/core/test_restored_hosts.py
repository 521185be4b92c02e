"""A controller that goes on in the place of another one: hosts that have yet to connect may start engines."""

from __future__ import annotations

import pytest

from engineroom.core.events import ClientUp, EngineUp, HostSays, HostUp, KnownEngine, Restored, Seen, Tick
from engineroom.core.limits import Limits
from engineroom.ids import Peer
from engineroom.protocol.messages import Coming, Options, Result, Status
from tests.unit.core.pretend import NO_PEER, Play, instance_id, session_id, submit

HOST, CLIENT, HOST_PEER = b"host" * 4, Peer(10), Peer(11)
LIMITS = Limits()


@pytest.fixture
def play() -> Play:
    """Return a controller that was told of an engine, which is dead, and has a task that waits for any."""
    play = Play(LIMITS)
    up = EngineUp(instance_id(0), host=HOST, spawned=True, pid=7)
    play(NO_PEER, Restored(1, (KnownEngine(0, up),), 1))
    engine = play.state.engines[0]
    play(CLIENT, ClientUp(session_id(1)))
    assert not ends(play, CLIENT, submit(1))
    play(engine.known_as, Seen(lives=False))
    assert not ends(play, NO_PEER, Tick(), LIMITS.host_seconds + 0.1)
    assert not play.state.engines
    return play


def ends(play: Play, peer: Peer, event: object, later: float = 0.0) -> list[Status]:
    play.now += later
    return [
        send.message.outcome.status for send in play(peer, event) if isinstance(getattr(send, "message", 0), Result)
    ]


def test_a_host_that_comes_and_has_nothing_in_hand_ends_the_wait(play: Play) -> None:
    assert not ends(play, HOST_PEER, HostUp(HOST, 1))
    assert not ends(play, HOST_PEER, HostSays(HOST, Coming(1, 1, restarts=True)))
    assert ends(play, HOST_PEER, HostSays(HOST, Coming())) == [Status.NO_ENGINE]


def test_a_host_that_does_not_come_is_not_waited_for_any_longer_than_if_it_was_cut_off(play: Play) -> None:
    assert not ends(play, NO_PEER, Tick(), LIMITS.reconnect_timeout / 2)
    assert ends(play, NO_PEER, Tick(), LIMITS.reconnect_timeout / 2) == [Status.NO_ENGINE]
    play.state.check()


def test_a_task_for_engines_that_were_gone_before_the_restart_ends_when_the_first_engine_is_another() -> None:
    play = Play(LIMITS)
    play(NO_PEER, Restored(1, (), 2))
    play(CLIENT, ClientUp(session_id(1)))
    assert not ends(play, CLIENT, submit(1, options=Options(engines=(0,))))
    assert not ends(play, CLIENT, submit(2, options=Options(engines=(2,))))
    assert not ends(play, CLIENT, submit(3))
    assert not ends(play, NO_PEER, Tick(), LIMITS.reattach_grace + 0.1)  # any engine may be started by hand

    assert ends(play, Peer(12), EngineUp(instance_id(2))) == [Status.LOST]
    assert set(play.state.sessions[session_id(1)].tasks) == {2, 3}
    play.state.check()
