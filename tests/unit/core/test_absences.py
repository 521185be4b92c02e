"""A closed connection is a dead engine, unless there is reason to think otherwise."""

from __future__ import annotations

import msgspec
import pytest

from engineroom.core.actions import Action, Look, Lost
from engineroom.core.events import EngineClosed, EngineUp, HostClosed, HostUp, Seen
from engineroom.core.limits import Limits
from engineroom.ids import Peer
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import EngineExited, EngineInfo
from tests.unit.core.pretend import Play, instance_id

HOST = b"h" * 16
HOST_PEER, FIRST, SECOND = 5, 10, 11
CLOSED = Closing(Why.CLOSED, "closed")
GOODBYE = Closing(Why.GOODBYE, "shut down")
SILENT = Closing(Why.SILENT, "any words")
INFO = EngineInfo(pid=77, host="here")
HERE = EngineUp(instance_id(0), INFO, host=HOST, spawned=True, pid=77)
HERE_ALONE = msgspec.structs.replace(HERE, host=b"", spawned=False)
ELSEWHERE = EngineUp(instance_id(0), host=HOST, spawned=True)
ELSEWHERE_ALONE = EngineUp(instance_id(0))
ENDED = "its process ended (pid 77 on here)"
LIMITS = Limits()


@pytest.fixture(name="play")
def _play() -> Play:
    """Return a core with a host."""
    play = Play()
    play(HOST_PEER, HostUp(HOST))
    return play


def another(up: EngineUp) -> EngineUp:
    return msgspec.structs.replace(up, instance=instance_id(1))


def losses(actions: list[Action]) -> list[tuple[int, str]]:
    """Return who is lost, and why."""
    return [(action.engine, action.cause) for action in actions if isinstance(action, Lost)]


def close(play: Play, up: EngineUp, closing: Closing = CLOSED, *, lives: bool = False) -> list[tuple[int, str]]:
    """Let an engine come and lose its connection; whoever looks at its process finds it there, or not."""
    play(FIRST, up)
    actions = play(FIRST, EngineClosed(closing))
    looks = [action for action in actions if isinstance(action, Look)]
    assert len(looks) == (1 if up.pid and not closing.clean else 0)
    for look in looks:
        assert look == Look(Peer(FIRST), up.pid)
        actions += play(FIRST, Seen(lives))
    return losses(actions)


def test_the_hosts_word_ends_the_wait_at_once(play: Play) -> None:
    assert close(play, HERE) == []
    assert losses(play(HOST_PEER, EngineExited(instance_id(0), "killed by SIGKILL"))) == [(0, "killed by SIGKILL")]


def test_the_hosts_word_may_come_first(play: Play) -> None:
    play(FIRST, HERE)
    assert losses(play(HOST_PEER, EngineExited(instance_id(0), "exit code 3"))) == []
    assert losses(play(FIRST, EngineClosed(CLOSED))) == [(0, "exit code 3")]


def test_the_word_of_another_host_does_not_count(play: Play) -> None:
    play(6, HostUp(b"o" * 16))
    play(FIRST, HERE)
    play(6, EngineExited(instance_id(0), "exit code 3"))
    assert close(play, HERE) == []


@pytest.mark.parametrize("engine_first", [True, False])
def test_another_host_speaks_for_one_that_is_gone(play: Play, engine_first: bool) -> None:
    play(6, HostUp(b"o" * 16))
    play(FIRST, ELSEWHERE)
    gone = ((FIRST, EngineClosed(CLOSED)), (HOST_PEER, HostClosed(CLOSED)))
    found = [loss for peer, event in gone[:: 1 if engine_first else -1] for loss in losses(play(peer, event))]
    assert found == []
    assert losses(play(6, EngineExited(instance_id(0), "its host has ended"))) == [(0, "its host has ended")]


def test_a_host_that_is_back_speaks_for_itself(play: Play) -> None:
    play(6, HostUp(b"o" * 16))
    close(play, ELSEWHERE)
    play(HOST_PEER, HostClosed(CLOSED))
    play(7, HostUp(HOST))
    assert losses(play(6, EngineExited(instance_id(0), "its host has ended"))) == []
    assert losses(play(7, EngineExited(instance_id(0), "exit code 3"))) == [(0, "exit code 3")]


def test_a_busy_host_has_two_seconds(play: Play) -> None:
    close(play, HERE)
    assert losses(play.tick(LIMITS.host_seconds - 0.01)) == []
    assert losses(play.tick(0.01)) == [(0, ENDED)]


@pytest.mark.parametrize("first", ["engine", "host"])
def test_a_host_that_was_cut_off_is_waited_for_no_longer_than_a_moment(play: Play, first: str) -> None:
    if first == "host":
        play(HOST_PEER, HostClosed(CLOSED))
    close(play, HERE)
    if first == "engine":
        play(HOST_PEER, HostClosed(CLOSED))
    assert losses(play.tick(LIMITS.cause_seconds)) == [(0, ENDED)]


def test_without_a_host_a_dead_process_here_is_lost_after_a_tenth_of_a_second(play: Play) -> None:
    assert LIMITS.cause_seconds == 0.1
    assert close(play, HERE_ALONE) == []
    assert losses(play.tick(LIMITS.cause_seconds)) == [(0, ENDED)]


@pytest.mark.parametrize("first", ["engine", "host"])
@pytest.mark.parametrize(("up", "lives"), [(ELSEWHERE, False), (HERE, True), (HERE, False)])
def test_a_host_that_says_goodbye_takes_its_engines_along_whichever_is_heard_first(
    play: Play, first: str, up: EngineUp, lives: bool
) -> None:
    actions: list[Action] = []
    if first == "host":
        play(HOST_PEER, HostClosed(GOODBYE))
    found = close(play, up, lives=lives)
    if first == "engine":
        found += losses(play(HOST_PEER, HostClosed(GOODBYE)))
    elif up is HERE and lives:
        found += losses(actions + play.tick(0.1) + play(FIRST, Seen(lives=False)))
    assert found == [(0, "its ipcluster has ended")]


@pytest.mark.parametrize("up", [HERE, ELSEWHERE, HERE_ALONE, ELSEWHERE_ALONE])
def test_a_goodbye_is_believed(play: Play, up: EngineUp) -> None:
    assert close(play, up, GOODBYE) == [(0, "shut down")]


@pytest.mark.parametrize(
    ("up", "closing", "seconds"),
    [
        (ELSEWHERE_ALONE, CLOSED, 2),
        (ELSEWHERE_ALONE, Closing(Why.RESET, "it timed out: unreachable"), 2),
        (msgspec.structs.replace(ELSEWHERE_ALONE, tunnel=True), CLOSED, 10),
        (ELSEWHERE_ALONE, SILENT, 60),
        (ELSEWHERE_ALONE, Closing(Why.UNREACHABLE, "any words"), 60),
        (ELSEWHERE, CLOSED, 60),
    ],
)
def test_an_engine_that_may_live_has_time_to_come_back(
    play: Play, up: EngineUp, closing: Closing, seconds: float
) -> None:
    assert close(play, up, closing) == []
    assert losses(play.tick(seconds - 0.01)) == []
    assert losses(play.tick(0.01)) == [(0, f"connection lost: {closing.words}")]


def test_one_whose_process_is_seen_is_looked_for_until_it_is_given_up(play: Play) -> None:
    close(play, HERE_ALONE, lives=True)
    for _ in range(200):
        actions = play.tick(LIMITS.look_every)
        for look in [action for action in actions if isinstance(action, Look)]:
            actions += play(look.peer, Seen(lives=True))
        if losses(actions):
            break
    assert losses(actions) == [(0, "connection lost: closed")]
    assert play.now == pytest.approx(100 + LIMITS.reconnect_timeout, abs=2 * LIMITS.look_every)


def test_a_process_that_was_about_to_end_is_not_waited_for(play: Play) -> None:
    close(play, HERE_ALONE, lives=True)
    assert Look(Peer(FIRST), 77) in play.tick(LIMITS.cause_seconds)
    play(FIRST, Seen(lives=False))
    assert losses(play.tick(LIMITS.cause_seconds)) == [(0, ENDED)]


def test_the_host_of_a_process_that_was_about_to_end_says_how_it_did(play: Play) -> None:
    close(play, HERE, lives=True)
    play.tick(LIMITS.cause_seconds)
    play(FIRST, Seen(lives=False))
    assert losses(play(HOST_PEER, EngineExited(instance_id(0), "killed by SIGSEGV"))) == [(0, "killed by SIGSEGV")]


def test_who_was_about_to_end_is_lost_before_those_that_it_took_along(play: Play) -> None:
    play(FIRST, HERE_ALONE)
    play(SECOND, another(HERE_ALONE))
    play(FIRST, EngineClosed(CLOSED))
    play(FIRST, Seen(lives=True))
    play(SECOND, EngineClosed(CLOSED))
    play(SECOND, Seen(lives=False))

    actions = play.tick(LIMITS.cause_seconds)
    assert losses(actions) == []
    looks = [action for action in actions if isinstance(action, Look)]
    found = losses([each for look in looks for each in play(look.peer, Seen(lives=False, at_once=look.at_once))])
    found += losses(play.tick(0.0))
    assert found == [(0, ENDED), (1, ENDED)]


def test_an_engine_that_comes_back_is_not_lost(play: Play) -> None:
    close(play, ELSEWHERE_ALONE)
    play(SECOND, ELSEWHERE_ALONE)
    play(HOST_PEER, EngineExited(instance_id(9), "another one"))
    assert losses(play.tick(1000)) == []
    assert losses(play(FIRST, EngineClosed(CLOSED))) == []  # of its last connection


def test_what_a_host_said_of_an_exit_goes_with_the_loss_once(play: Play) -> None:
    play(FIRST, HERE)
    play(HOST_PEER, EngineExited(instance_id(0), "exit code 3", own=True))
    play(FIRST, EngineClosed(CLOSED))
    assert not play.state.presence.exits
    play(HOST_PEER, EngineExited(instance_id(0), "exit code 3", own=True))
    assert not play.state.presence.exits
