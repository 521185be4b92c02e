"""Clients share the engines by the time that their tasks take."""

from __future__ import annotations

import pytest

from engineroom.core.events import ClientUp, EngineUp
from engineroom.core.limits import Limits
from engineroom.ids import session_of
from engineroom.protocol.messages import Call, Finished, Kind, Outcome, Run, Status
from tests.unit.core.pretend import Play, instance_id, session_id, submit

ENGINE = 10


def shares(seconds: dict[int, float], tasks: int) -> dict[int, float]:
    """Return the engine time that each client got, while all had tasks waiting: client -> length of its tasks."""
    play = Play(Limits(prefetch_tasks=1, medium_seconds=0.0, prefetch_seconds=1e-9))
    for client in seconds:
        play(client, ClientUp(session_id(client)))
    play(ENGINE, EngineUp(instance_id(0)))
    waiting = []
    for client in seconds:
        for number in range(1, 301):
            call = Call(Kind.APPLY, bytes([client]) * 16)
            waiting += play.quietly(client, submit(number, client=client, call=call))
    used = dict.fromkeys(seconds, 0.0)
    for number in range(1, tasks + 1):
        message = next(action.message for action in waiting if isinstance(getattr(action, "message", None), Run))
        client = session_of(message.task)[0]
        used[client] += seconds[client]
        play.now += seconds[client]
        outcome = Outcome(Status.OK, 0.0, seconds[client])
        waiting = play.quietly(ENGINE, Finished(number, message.task, message.attempt, outcome))
    play.state.check()
    return used


def test_equal_tasks_take_turns() -> None:
    used = shares({1: 1.0, 2: 1.0, 3: 1.0}, 300)

    assert used == {1: pytest.approx(100, abs=2), 2: pytest.approx(100, abs=2), 3: pytest.approx(100, abs=2)}


def test_short_tasks_go_more_often() -> None:
    used = shares({1: 1.0, 2: 0.1}, 220)

    assert used[1] == pytest.approx(used[2], rel=0.15)


def test_a_newcomer_does_not_make_up_for_the_past() -> None:
    play = Play(Limits(prefetch_tasks=1, medium_seconds=0.0, prefetch_seconds=1e-9))
    for client in (1, 2):
        play(client, ClientUp(session_id(client)))
    play(ENGINE, EngineUp(instance_id(0)))
    sent = [action for number in range(1, 101) for action in play(1, submit(number))]
    number = 0
    order = []
    for newcomer in (False, True):
        if newcomer:
            sent += [action for number_ in range(1, 21) for action in play(2, submit(number_, client=2))]
        for _ in range(30):
            number += 1
            message = next(action.message for action in sent if isinstance(getattr(action, "message", None), Run))
            order.append(session_of(message.task)[0])
            sent = play(ENGINE, Finished(number, message.task, 1, Outcome(Status.OK, 0.0, 1.0)))

    assert set(order[:30]) == {1}
    assert order[31:51].count(2) == pytest.approx(10, abs=1)
