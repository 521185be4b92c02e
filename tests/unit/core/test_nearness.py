"""A task runs where its large arguments are, unless another engine is done with it sooner."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom.core.events import EngineUp
from engineroom.core.limits import Limits
from engineroom.ids import number_of
from engineroom.protocol.messages import (
    DEFAULT_OPTIONS,
    Awaits,
    Finished,
    Input,
    Options,
    Ran,
    Run,
    Status,
    Submit,
)
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import CALL, Play, instance_id, instances, session_id, submit, task

ENGINE_2 = 12
SMALL, LARGE, HUGE = b"small", bytes(100_000), bytes(50_000_000)
Sent = list[tuple[int, Any]]


def three(policy: str = "leastload") -> Play:
    """Return a core with a client and three engines, whose turn it is in their order."""
    play = Play(Limits(policy=policy))
    play.connect(CLIENT)
    for number, peer in enumerate((ENGINE_0, ENGINE_1, ENGINE_2)):
        play(peer, EngineUp(instance_id(number)))
    return play


def make(play: Play, number: int, engine: int, body: bytes) -> None:
    """Have an engine make a result, whose client keeps it there for others."""
    play(CLIENT, submit(number, (engine - ENGINE_0,)))
    end(play, engine, number, body)


def end(play: Play, engine: int, number: int, body: bytes = SMALL, seconds: float = 0.001) -> Sent:
    return play.sent(engine, Finished(number, task(number), 1, Ran(Status.OK, 0.0, seconds), body))


def takes(number: int, *inputs: int, to: int | None = None, options: Options = DEFAULT_OPTIONS) -> Submit:
    awaits = Awaits(inputs=tuple((session_id(), each, each) for each in inputs))
    return Submit(task(number), CALL, None if to is None else instances((to,)), options, awaits)


def where(sent: Sent, number: int) -> list[int]:
    """Return which engine is sent a task."""
    return [peer for peer, its in sent if isinstance(its, Run) and number_of(its.task) == number]


def inputs(sent: Sent) -> list[int]:
    """Return the tasks whose results are sent to engines."""
    return [number_of(its.task) for _, its in sent if isinstance(its, Input)]


@pytest.mark.parametrize("engine", [ENGINE_0, ENGINE_1, ENGINE_2])
def test_of_idle_engines_the_one_that_made_a_large_argument_runs_the_task(engine: int) -> None:
    play = three()
    make(play, 1, engine, LARGE)

    sent = play.sent(CLIENT, takes(2, 1))

    assert (where(sent, 2), inputs(sent)) == ([engine], [])


def test_so_does_one_that_was_sent_it_for_another_task() -> None:
    play = three()
    make(play, 1, ENGINE_0, LARGE)
    assert inputs(play.sent(CLIENT, takes(2, 1, to=2))) == [1]
    end(play, ENGINE_2, 2)
    play(CLIENT, submit(3, (0,)))  # who has made it is busy

    assert where(play.sent(CLIENT, takes(4, 1)), 4) == [ENGINE_2]


def test_what_is_small_is_sent_to_whose_turn_it_is() -> None:
    play = three()
    make(play, 1, ENGINE_1, SMALL)

    sent = play.sent(CLIENT, takes(2, 1))

    assert (where(sent, 2), inputs(sent)) == ([ENGINE_0], [1])


@pytest.mark.parametrize(("body", "engine"), [(LARGE, ENGINE_1), (HUGE, ENGINE_0)])
def test_one_that_is_busy_runs_it_only_if_the_bytes_would_take_longer(body: bytes, engine: int) -> None:
    play = three()
    make(play, 1, ENGINE_0, body)
    play(CLIENT, submit(2, (0,)))  # some ms of work, as far as is known

    assert where(play.sent(CLIENT, takes(3, 1)), 3) == [engine]


def test_the_engine_that_has_most_of_several_runs_it() -> None:
    play = three()
    make(play, 1, ENGINE_1, LARGE)
    make(play, 2, ENGINE_2, LARGE + LARGE)
    make(play, 3, ENGINE_1, LARGE)
    make(play, 4, ENGINE_1, LARGE)

    sent = play.sent(CLIENT, takes(5, 1, 2, 3, 4))

    assert (where(sent, 5), inputs(sent)) == ([ENGINE_1], [2])


def test_it_does_not_follow_a_last_argument_away_from_the_others() -> None:
    play = three()
    make(play, 1, ENGINE_1, LARGE)
    play(CLIENT, submit(2, (0,)))
    assert where(play.sent(CLIENT, takes(3, 1, 2)), 3) == []

    sent = end(play, ENGINE_0, 2)

    assert (where(sent, 3), inputs(sent)) == ([ENGINE_1], [2])


@pytest.mark.parametrize("policy", ["lru", "pure"])
def test_policies_that_go_by_turns_go_by_turns(policy: str) -> None:
    play = three(policy)
    make(play, 1, ENGINE_1, LARGE)

    assert where(play.sent(CLIENT, takes(2, 1)), 2) == [ENGINE_0]


def test_engines_that_may_not_run_it_do_not_though_they_have_it() -> None:
    play = three()
    make(play, 1, ENGINE_0, LARGE)

    assert where(play.sent(CLIENT, takes(2, 1, options=Options(engines=(1, 2)))), 2) == [ENGINE_1]
