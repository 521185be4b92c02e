"""Pools: made when somebody needs them, dropped when many are unused."""

from __future__ import annotations

from engineroom.core.events import EngineUp
from engineroom.core.limits import Limits
from engineroom.core.placement import Needs
from engineroom.protocol.messages import Finished, Options, Outcome, Run, Status
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import Death, Play, instance_id, submit, task


def test_unused_pools_do_not_pile_up(two: Play) -> None:
    two(CLIENT, submit(1, options=Options(engines=(0,), label="in use")))
    for number in range(2, 100):
        two(CLIENT, submit(number, options=Options(engines=(1, number + 100))))
        two(ENGINE_1, Finished(number, task(number), 1, Outcome(Status.OK, 0.0, 0.0)))

    assert len(two.state.pools) == 32
    assert Needs((0,), large=False) in two.state.pools


def test_an_engine_serves_the_pool_whose_turn_it_is(two: Play) -> None:
    two(ENGINE_1, Death("gone"))
    long = Outcome(Status.OK, 0.0, 9.0)
    for number in range(1, 4):
        two(CLIENT, submit(number))
    two(CLIENT, submit(4, options=Options(engines=(0,), priority=1)))
    two(CLIENT, submit(5, options=Options(engines=(0,), priority=-1)))

    order = []
    for number in range(1, 6):
        held = next(iter(two.state.engines[0].held.values()))
        order.append(held.number)
        sent = two.sent(ENGINE_0, Finished(number, held.id, held.attempt, long))
        assert sum(isinstance(message, Run) for _, message in sent) <= 1

    assert order == [1, 2, 4, 3, 5]


def test_departed_engines_are_forgotten_one_day() -> None:
    play = Play(Limits(departed=2))
    for number in range(4):
        play(10 + number, EngineUp(instance_id(number)))
        play(10 + number, Death("gone"))

    assert list(play.state.departed_ids) == [2, 3]
    play(20, EngineUp(instance_id(9)))
    assert play.state.instances[instance_id(9)].id == 4
