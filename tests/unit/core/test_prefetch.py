"""How much engines are sent ahead, and what is taken back."""

from __future__ import annotations

import pytest

from engineroom.core.actions import Accept, Action, Send
from engineroom.core.events import BodyHere, ClientUp, EngineUp, Large
from engineroom.core.limits import Limits
from engineroom.protocol.messages import (
    AlreadyStarted,
    Call,
    Finished,
    Kind,
    Outcome,
    Revoke,
    Revoked,
    Run,
    Status,
    Withdraw,
    Withdrawn,
)
from engineroom.protocol.task_ranges import attempts_in
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import OK, Play, instance_id, run, session_id, submit, task


def took(seconds: float) -> Outcome:
    return Outcome(Status.OK, 0.0, seconds)


def held(play: Play, engine: int) -> int:
    return len(play.state.engines[engine].held)


def known(play: Play, seconds: float) -> None:
    """Let the core learn that FUNCTION takes `seconds`, on engine 0, and forget the rest."""
    play(CLIENT, submit(1))
    play(ENGINE_0, Finished(1, task(1), 1, took(seconds)))


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, 667), (0.000985, 10), (0.005, 2), (0.03, 2), (0.09, 2), (0.11, 1), (60.0, 1)]
)
def test_as_many_as_fit_in_ten_milliseconds(play: Play, seconds: float, expected: int) -> None:
    play(ENGINE_0, EngineUp(instance_id(0)))
    known(play, seconds)

    for number in range(2, 1002):
        play.quietly(CLIENT, submit(number))
    play.state.check()

    assert held(play, 0) == pytest.approx(expected, abs=1)


def test_of_an_unknown_function_one_more_than_what_runs(two: Play) -> None:
    for number in range(1, 10):
        two(CLIENT, submit(number))

    assert (held(two, 0), held(two, 1)) == (2, 2)


def test_a_burst_of_an_unknown_function_ramps_up_as_results_come(play: Play) -> None:
    play(ENGINE_0, EngineUp(instance_id(0)))
    for number in range(1, 101):
        play(CLIENT, submit(number))

    most = 0
    for number in range(1, 10):
        play(ENGINE_0, Finished(number, task(number), 1, took(0.0)))
        most = max(most, held(play, 0))
    assert most > 80


def test_never_more_than_the_cap() -> None:
    play = Play(Limits(prefetch_tasks=20))
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))
    known(play, 0.0)

    for number in range(2, 100):
        play(CLIENT, submit(number))

    assert held(play, 0) == 20


def test_few_large_tasks_at_most() -> None:
    play = Play(Limits(large_tasks=4))
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))
    known(play, 0.0)

    for number in range(2, 8):
        play(CLIENT, Large(submit(number, size=10**5), number))
    sent = [play(CLIENT, BodyHere(task(number), number)) for number in range(2, 8)]

    assert [len(actions) for actions in sent] == [1, 1, 1, 1, 0, 0]
    assert len(play.sent(CLIENT, submit(8))) == 1  # a small one need not wait for them


def test_one_large_task_if_it_is_very_large(play: Play) -> None:
    play(ENGINE_0, EngineUp(instance_id(0)))
    known(play, 0.0)

    asked = [play(CLIENT, Large(submit(number, size=10**9), number)) for number in range(2, 4)]
    assert asked == [[Accept(2)], []]
    accept, send = play(CLIENT, BodyHere(task(2), 2))
    assert isinstance(send, Send)
    assert accept == Accept(3)
    assert play(CLIENT, BodyHere(task(3), 3)) == []


def test_tiny_tasks_do_not_queue_up_behind_one_that_takes_long(two: Play) -> None:
    known(two, 0.0)
    two(CLIENT, submit(2, (0,), call=Call(Kind.APPLY, b"another function")))
    two(CLIENT, submit(3, (1,), call=Call(Kind.APPLY, b"another function")))
    two.now += 1.0

    assert two.sent(CLIENT, submit(4)) == []


def test_what_waits_behind_a_long_task_is_taken_back_by_who_falls_idle(two: Play) -> None:
    for number in range(1, 5):
        two(CLIENT, submit(number))  # 1, 3 on engine 0; 2, 4 on engine 1
    two.now += 10.0
    two(ENGINE_0, Finished(1, task(1), 1, took(9.0)))

    asked = two.sent(ENGINE_0, Finished(2, task(3), 1, took(9.0)))
    assert (ENGINE_1, Revoke(task(4), 1)) in asked

    assert two.sent(ENGINE_1, Revoked(task(4), 1)) == [(ENGINE_0, run(4, 2))]


def test_an_engine_that_has_started_it_keeps_it(two: Play) -> None:
    for number in range(1, 5):
        two(CLIENT, submit(number))
    two.now += 10.0
    two(ENGINE_0, Finished(1, task(1), 1, took(9.0)))
    two(ENGINE_0, Finished(2, task(3), 1, took(9.0)))

    assert [message for _, message in two.sent(ENGINE_1, AlreadyStarted(task(4), 1)) if isinstance(message, Run)] == []
    assert two.sent(ENGINE_1, Finished(1, task(4), 1, OK))[0][0] == CLIENT


def test_tiny_tasks_are_not_taken_back_unless_they_are_late(two: Play) -> None:
    known(two, 0.001)
    for number in range(2, 8):
        two(CLIENT, submit(number))
    mine = [its.number for its in two.state.engines[0].held.values()]

    sent = [m for n in mine for _, m in two.sent(ENGINE_0, Finished(n, task(n), 1, took(0.001)))]
    assert not any(isinstance(message, Revoke) for message in sent)

    late = list(two.state.engines[1].held)
    sent = [action.message for action in two.tick(1.0) if hasattr(action, "message")]
    assert [[task for task, _ in attempts_in(m.attempts)] for m in sent if isinstance(m, Withdraw)] == [late]


def crowd(engines: int) -> Play:
    """Return engines that are busy with what should be tiny, with more of that behind it, and as many idle ones."""
    play = Play()
    play(CLIENT, ClientUp(session_id()))
    for number in range(engines):
        play(ENGINE_0 + number, EngineUp(instance_id(number)))
    known(play, 0.0)
    for number in range(2, 2 + 40 * engines):
        play.quietly(CLIENT, submit(number))
    for number in range(engines, 2 * engines):
        play(ENGINE_0 + number, EngineUp(instance_id(number)))
    return play


def asked(actions: list[Action]) -> list[int]:
    """Return which engines are asked for tasks."""
    return [a.peer for a in actions if isinstance(a, Send) and isinstance(a.message, Revoke | Withdraw)]


def test_when_all_seem_late_few_are_asked_at_a_time() -> None:
    play = crowd(50)

    first = asked(play.tick(1.0))
    second = asked(play.tick(1.0))

    assert (len(first), len(second)) == (16, 16)
    assert not set(first) & set(second)


def test_who_gives_tasks_back_has_others_asked_as_well() -> None:
    play = crowd(50)
    sent = [a for a in play.tick(1.0) if isinstance(a, Send) and isinstance(a.message, Withdraw)]

    nobody = asked(play(500, EngineUp(instance_id(500))))
    for action in sent[:4]:
        play(action.peer, Withdrawn(action.message.attempts))
    more = [asked(play(number, EngineUp(instance_id(number)))) for number in range(501, 507)]

    assert not nobody
    assert any(more)


def test_an_engine_that_joins_takes_its_share(two: Play) -> None:
    for number in range(1, 5):
        two(CLIENT, submit(number))
    two.now += 10.0

    sent = two.sent(12, EngineUp(instance_id(2)))

    assert [type(message) for _, message in sent if isinstance(message, Revoke)] == [Revoke]
