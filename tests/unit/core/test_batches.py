"""Many tiny tasks: each engine is sent some at a time, and told of several results at a time."""

from __future__ import annotations

from itertools import groupby

import pytest

from engineroom.core.actions import Send
from engineroom.core.events import ClientUp, EngineUp, Tick
from engineroom.core.limits import Limits
from engineroom.ids import Peer
from engineroom.protocol.messages import DEFAULT_OPTIONS, Delivered, Finished, Options, Outcome, Run, Status
from tests.unit.core.conftest import CLIENT
from tests.unit.core.pretend import NO_PEER, Death, Play, instance_id, session_id, submit, task

ENGINES = 8
FIRST = 100
SPREAD = Limits().spread_tasks
BATCH = Limits().batch_tasks


def many(limits: Limits | None = None, *, seconds: float = 0.0, engines: int = ENGINES) -> Play:
    """Return a cluster that knows that FUNCTION takes so long."""
    play = Play(limits or Limits())
    play(CLIENT, ClientUp(session_id()))
    for number in range(engines):
        play(FIRST + number, EngineUp(instance_id(number)))
    sent = play(CLIENT, submit(1))
    to = next(action.peer for action in sent if isinstance(action, Send) and isinstance(action.message, Run))
    play(to, Finished(1, task(1), 1, Outcome(Status.OK, 0.0, seconds)))
    return play


def where(play: Play, numbers: range, *, options: Options = DEFAULT_OPTIONS) -> list[Peer]:
    """Submit tasks; return where each was sent, in order."""
    sent = [action for number in numbers for action in play.quietly(CLIENT, submit(number, options=options))]
    play.state.check()
    return [action.peer for action in sent if isinstance(action, Send) and isinstance(action.message, Run)]


def runs(peers: list[Peer]) -> list[int]:
    """Return how many tasks in a row went to one engine, again and again."""
    return [len(list(group)) for _, group in groupby(peers)]


def test_a_few_tasks_go_one_to_each_engine() -> None:
    assert runs(where(many(), range(2, 2 + 2 * ENGINES))) == [1] * 2 * ENGINES


def test_of_many_tiny_tasks_each_engine_gets_some_in_a_row() -> None:
    play = many()
    where(play, range(2, 2 + SPREAD))

    batches = runs(where(play, range(2 + SPREAD, 2 + SPREAD + ENGINES * BATCH)))

    assert batches == [BATCH] * ENGINES


def test_all_engines_get_about_as_many() -> None:
    play = many()
    where(play, range(2, 2002))

    held = [len(engine.held) for engine in play.state.engines.values()]

    assert max(held) <= 2 * min(held)


@pytest.mark.parametrize(("seconds", "row"), [(0.0001, 4), (0.0004, 1), (0.002, 1), (0.2, 1)])
def test_what_takes_longer_goes_in_shorter_rows(seconds: float, row: int) -> None:
    peers = where(many(Limits(spread_tasks=0), seconds=seconds), range(2, 2 + ENGINES))

    assert max(runs(peers)) == row


def test_a_function_that_is_not_known_yet_is_spread() -> None:
    play = Play(Limits(spread_tasks=0))
    play(CLIENT, ClientUp(session_id()))
    for number in range(ENGINES):
        play(FIRST + number, EngineUp(instance_id(number)))

    assert runs(where(play, range(1, 1 + ENGINES))) == [1] * ENGINES


@pytest.mark.parametrize("policy", ["pure", "lru"])
def test_where_engines_take_turns_they_still_do(policy: str) -> None:
    assert max(runs(where(many(Limits(policy=policy, spread_tasks=0)), range(2, 200)))) == 1


def test_a_row_ends_when_time_has_passed() -> None:
    play = many(Limits(spread_tasks=0))
    (first,) = where(play, range(2, 3))
    play.now += 1.0

    (second,) = where(play, range(3, 4))

    assert second != first


def test_a_row_ends_with_its_engine() -> None:
    play = many(Limits(spread_tasks=0))
    (first,) = where(play, range(2, 3))
    play(first, Death("gone"))

    assert first not in where(play, range(3, 100))


def test_a_row_is_of_one_pool() -> None:
    play = many(Limits(spread_tasks=0))
    for start, engine in ((2, 3), (7, 5), (12, 3)):
        peers = where(play, range(start, start + 5), options=Options(engines=(engine,)))
        assert set(peers) == {FIRST + engine}


def test_among_many_engines_each_is_told_less_often_what_it_may_forget() -> None:
    few, crowd = many(engines=2), many(engines=200)
    for play in (few, crowd):
        play(CLIENT, Delivered(1))
        play.now += Limits().acknowledge_seconds * 1.01

    assert told(few)
    assert not told(crowd)

    crowd.now += Limits().acknowledge_seconds * 4
    assert told(crowd)


def told(play: Play) -> bool:
    """Whether any engine is told now."""
    return any(isinstance(action, Send) and isinstance(action.message, Delivered) for action in play(NO_PEER, Tick()))
