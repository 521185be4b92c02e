"""Links that have fallen silent are pinged; who does not answer is called unresponsive, and lost only by request."""

from __future__ import annotations

import pytest

from engineroom.core import explain
from engineroom.core.actions import Action, HangUp, Listen, Lost, Send
from engineroom.core.events import ClientGone, ClientUp, EngineClosed, EngineUp, HostClosed, HostUp, Quiet
from engineroom.core.limits import Limits
from engineroom.ids import Peer
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import EngineSilent, Ping, Run
from tests.unit.core.pretend import NO_PEER, Play, instance_id, session_id, submit

CLIENT, FIRST, SECOND = 1, 10, 11
ROUND = 3.0


def new_play(timeout: float = 0.0) -> Play:
    """Return a core that listens, with a client and two engines."""
    play = Play(Limits(ping_every=ROUND, unresponsive=6.0, unresponsive_timeout=timeout))
    play(CLIENT, ClientUp(session_id()))
    play(FIRST, EngineUp(instance_id(0)))
    play(SECOND, EngineUp(instance_id(1)))
    return play


@pytest.fixture(name="play")
def _play() -> Play:
    return new_play()


def listen(play: Play, *quiet: int, late: float = 0.0) -> list[Action]:
    """Let a round pass in which nothing comes from `quiet`."""
    assert Listen() in play.tick(ROUND + late)
    return play(NO_PEER, Quiet(tuple(map(Peer, quiet))))


def echo(play: Play, *quiet: int) -> list[Action]:
    """Have those that are unresponsive looked at between rounds."""
    actions = play.tick(ROUND / 6)
    (asked,) = {each.peers for each in actions if isinstance(each, Listen)}
    assert asked is not None
    return play(NO_PEER, Quiet(tuple(map(Peer, quiet)), asked))


def told(actions: list[Action]) -> list[tuple[int, float, int]]:
    """Return what the client is told: of which engine, for how long, and how many of its tasks are there."""
    messages = [each.message for each in actions if isinstance(each, Send) and each.peer == CLIENT]
    return [(each.engine, each.seconds, each.tasks) for each in messages if isinstance(each, EngineSilent)]


def pinged(actions: list[Action]) -> list[int]:
    return [each.peer for each in actions if isinstance(each, Send) and isinstance(each.message, Ping)]


def test_only_quiet_links_are_pinged_once_and_nobody_hears_of_those_that_answer(play: Play) -> None:
    actions = listen(play, FIRST)
    assert pinged(actions) == [FIRST]
    assert told(actions) == []
    actions = listen(play)
    assert (pinged(actions), told(actions)) == ([], [])


def test_an_engine_that_does_not_answer_is_told_of_with_the_tasks_it_holds(play: Play) -> None:
    play(CLIENT, submit(1, (0,)))
    listen(play, FIRST)
    actions = listen(play, FIRST)
    assert told(actions) == [(0, 6.0, 1)]
    assert pinged(actions) == []
    assert told(listen(play, FIRST)) == []
    assert play.state.engines[0].silent_since is not None


def test_it_lives_is_shown_and_recovers(play: Play) -> None:
    for _ in range(100):
        listen(play, FIRST)
    assert 0 in play.state.engines
    assert explain.queues(play.state).engines[0].unresponsive == 300.0
    assert explain.explain_engine(play.state, 0).state == "unresponsive"
    assert told(listen(play)) == [(0, 0.0, 0)]
    assert explain.queues(play.state).engines[0].unresponsive == 0.0


def test_its_answer_is_heard_before_the_next_round(play: Play) -> None:
    listen(play, FIRST, SECOND)
    listen(play, FIRST)
    assert told(echo(play, FIRST)) == []
    assert told(echo(play)) == [(0, 0.0, 0)]
    assert pinged(listen(play, FIRST, SECOND)) == [FIRST, SECOND]


def test_it_is_sent_no_balanced_tasks_until_it_answers(play: Play) -> None:
    listen(play, FIRST, SECOND)
    listen(play, FIRST)
    sent = [each for number in range(1, 4) for each in play.sent(CLIENT, submit(number))]
    assert {peer for peer, message in sent if isinstance(message, Run)} == {SECOND}
    assert any(isinstance(each, Send) and isinstance(each.message, Run) and each.peer == FIRST for each in listen(play))


def test_a_client_that_comes_later_is_told_as_well(play: Play) -> None:
    listen(play, FIRST)
    listen(play, FIRST)
    play(CLIENT, ClientGone())
    assert told(play(CLIENT, ClientUp(session_id()))) == [(0, 6.0, 0)]


def test_one_that_comes_back_by_another_connection_is_silent_no_longer(play: Play) -> None:
    listen(play, FIRST)
    listen(play, FIRST)
    assert told(play(20, EngineUp(instance_id(0)))) == [(0, 0.0, 0)]
    assert told(listen(play, 20)) == []


def test_a_round_that_this_process_missed_is_nobodys_silence(play: Play) -> None:
    listen(play, FIRST)
    assert told(listen(play, FIRST, late=1000.0)) == []
    assert told(listen(play, FIRST)) == []
    assert told(listen(play, FIRST)) == [(0, 6.0, 0)]


def test_one_that_is_away_is_told_of_when_it_has_been_for_so_long(play: Play) -> None:
    play(CLIENT, submit(1, (0,)))
    play(FIRST, EngineClosed(Closing(Why.SILENT, "")))
    assert told(play.tick(5.9)) == []
    actions = play.tick(0.1)
    assert told(actions) == [(0, 6.0, 1)]
    assert [each.message.away for each in actions if isinstance(each, Send) and isinstance(each.message, EngineSilent)]


@pytest.mark.parametrize("timeout", [7.0, 30.0])
def test_it_is_lost_only_if_the_timeout_says_so_and_its_tasks_go_elsewhere(timeout: float) -> None:
    play = new_play(timeout)
    play(CLIENT, submit(1))
    held = next(engine for engine in play.state.engines.values() if engine.held)
    peer, actions = held.known_as, list[Action]()
    while not any(isinstance(each, Lost) for each in actions):
        assert play.now < 100 + timeout + 3 * ROUND
        actions = listen(play, peer)
    assert play.now >= 100 + timeout
    assert HangUp(peer, "it does not answer") in actions
    runs = [each.peer for each in actions if isinstance(each, Send) and isinstance(each.message, Run)]
    assert runs == [FIRST + SECOND - peer]
    (lost,) = [each for each in actions if isinstance(each, Lost)]
    assert "unresponsive_timeout" in lost.cause


HOST = 50


def with_host() -> Play:
    """Return a core that listens, with a host (peer 50) that has started engine 0."""
    play = Play(Limits(ping_every=ROUND, unresponsive=6.0, unresponsive_timeout=8.0))
    play(CLIENT, ClientUp(session_id()))
    play(HOST, HostUp(b"host", 70))
    play(FIRST, EngineUp(instance_id(0), host=b"host", spawned=True))
    return play


def hosts(play: Play) -> tuple[str, ...]:
    return explain.queues(play.state).silent_hosts


def test_a_host_that_does_not_answer_is_told_of_to_whoever_asks_and_is_never_lost() -> None:
    play = with_host()
    listen(play, HOST)
    assert hosts(play) == ()
    for _ in range(4):
        actions = listen(play, HOST)
    assert not any(isinstance(action, HangUp | Lost) for action in actions)
    [words] = hosts(play)
    assert words.startswith("the ipcluster process 70 that started engine 0 has not answered for 15 s: ")
    echo(play, HOST)
    assert hosts(play)
    echo(play)
    assert hosts(play) == ()


@pytest.mark.parametrize("back", [HostUp(b"host", 70), HostClosed(Closing(Why.CLOSED, "closed"))])
def test_a_host_that_comes_again_or_goes_is_not_called_silent(back: HostUp | HostClosed) -> None:
    play = with_host()
    for _ in range(3):
        listen(play, HOST)
    assert hosts(play)

    play(HOST if isinstance(back, HostClosed) else HOST + 1, back)

    assert hosts(play) == ()
