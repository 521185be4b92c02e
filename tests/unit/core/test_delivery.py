"""Results are kept until they have arrived for good; then the engine may forget them."""

from __future__ import annotations

from engineroom.core.actions import Action, DropFunction, Send, WakeAt
from engineroom.core.clients import known_up_to
from engineroom.core.events import ClientGone, ClientUp, EngineUp, FunctionHere
from engineroom.core.limits import Limits
from engineroom.protocol.messages import (
    Call,
    Delivered,
    EngineInfo,
    EngineJoined,
    EngineLeft,
    Finished,
    Kind,
    Output,
    Result,
    TasksStarted,
)
from engineroom.protocol.task_ranges import one_task
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import OK, Death, Play, instance_id, result, session_id, submit, task


def sent(actions: list[Action], kind: type) -> list[tuple[int, object]]:
    return [(a.peer, a.message) for a in actions if isinstance(a, Send) and isinstance(a.message, kind)]


def finish(play: Play, numbers: list[int]) -> None:
    """Have engine 0 end the direct tasks with these numbers, in this order."""
    for its, number in enumerate(numbers, 1):
        play(ENGINE_0, Finished(its, task(number), 1, OK))


def test_an_engine_is_told_in_batches(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0, 0)))
    finish(two, [1, 2, 3])

    assert two(CLIENT, Delivered(2)) == [WakeAt(two.now + 0.05)]
    assert two(CLIENT, Delivered(3)) == []
    assert sent(two.tick(0.05), Delivered) == [(ENGINE_0, Delivered(3))]
    assert two.tick(1.0) == []


def test_it_is_told_of_exceptions_too(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0, 0, 0)))
    finish(two, [1, 2, 3, 4])
    two(CLIENT, Delivered(1, ((3, 4),)))
    assert sent(two.tick(0.05), Delivered) == [(ENGINE_0, Delivered(1, ((3, 4),)))]

    two(CLIENT, Delivered(4))

    assert sent(two.tick(0.05), Delivered) == [(ENGINE_0, Delivered(4))]


def test_many_are_not_kept_waiting(play: Play) -> None:
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(CLIENT, submit(1, (0,) * 501))
    for number in range(1, 502):
        play.quietly(ENGINE_0, Finished(number, task(number), 1, OK))

    assert sent(play(CLIENT, Delivered(501)), Delivered) == [(ENGINE_0, Delivered(501))]


def test_a_client_that_comes_back_gets_what_it_may_not_have(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0, 0)))
    finish(two, [1, 2])
    two(CLIENT, Delivered(1))
    two(CLIENT, ClientGone())
    two(ENGINE_0, Finished(3, task(3), 1, OK))

    assert known_up_to(two.state, session_id()) == 3
    actions = two(2, ClientUp(session_id()))

    assert sent(actions, Result) == [(2, result(2, 0)), (2, result(3, 0))]
    assert two(2, submit(2, (0,))) == []


def test_and_learns_of_the_engines_that_left_meanwhile(two: Play) -> None:
    two(CLIENT, ClientGone())
    two(ENGINE_0, Death("exit code 0"))

    assert two.sent(2, ClientUp(session_id())) == [
        (2, EngineLeft(0, instance_id(0), "exit code 0")),
        (2, EngineJoined(1, instance_id(1), EngineInfo())),
    ]


def test_a_session_that_nobody_knows_has_sent_nothing(play: Play) -> None:
    assert known_up_to(play.state, session_id(9)) == 0


def test_results_wait_for_a_client_for_so_long_and_no_longer(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(CLIENT, ClientGone())
    finish(two, [1])
    two.tick(899.0)
    assert known_up_to(two.state, session_id()) == 1

    two.tick(2.0)

    assert sent(two.tick(0.1), Delivered) == [(ENGINE_0, Delivered(1))]
    assert two.state.sessions == {}


def test_the_tasks_of_a_client_that_is_gone_go_on(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0)))
    two(CLIENT, ClientGone())
    two.tick(1000.0)
    finish(two, [1, 2])

    assert sent(two(2, ClientUp(session_id())), Result) == [(2, result(1, 0)), (2, result(2, 0))]


def test_what_a_client_has_waved_off_is_not_kept(two: Play) -> None:
    two(CLIENT, submit(1, (0, 1)))
    two(CLIENT, Delivered(2))

    assert two.sent(ENGINE_0, Finished(1, task(1), 1, OK)) == []
    assert two(CLIENT, Delivered(10**18)) == []


def test_numbers_need_not_be_consecutive(two: Play) -> None:
    two(CLIENT, submit(10**15, (0,)))
    two(ENGINE_0, Finished(1, task(10**15), 1, OK))

    assert two(CLIENT, Delivered(10**15)) == [WakeAt(two.now + 0.05)]


def test_output_goes_to_the_client_that_is_there(two: Play) -> None:
    two(CLIENT, submit(1))
    output = Output(task(1), 1, 1, 0, "hello\n")
    assert two.sent(ENGINE_0, output) == [(CLIENT, TasksStarted(0, one_task(task(1)))), (CLIENT, output)]
    more = Output(task(1), 1, 1, 1, "hello again\n")
    assert two.sent(ENGINE_0, more) == [(CLIENT, more)]
    assert two.sent(ENGINE_1, output) == []
    assert two.sent(ENGINE_0, Output(task(1), 2, 1, 0, "stale\n")) == []

    two(CLIENT, ClientGone())

    assert two.sent(ENGINE_0, output) == []


def test_functions_are_remembered_for_a_while() -> None:
    play = Play(Limits(idle_functions=2))
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))
    dropped = []
    for number, name in enumerate(b"abac", 1):
        play(CLIENT, submit(number, (0,), call=Call(Kind.APPLY, bytes([name]) * 16)))
        actions = play(ENGINE_0, Finished(number, task(number), 1, OK))
        dropped += [action for action in actions if isinstance(action, DropFunction)]

    assert dropped == [DropFunction(b"b" * 16)]


def calls(play: Play, names: bytes, size: int = 100, *, first: int = 1) -> list[DropFunction]:
    """Have these functions come and be called once, one after the other; return what is dropped."""
    dropped: list[DropFunction] = []
    for number, name in enumerate(names, first):
        hash_ = bytes([name]) * 16
        actions = play(CLIENT, FunctionHere(hash_, size))
        actions += play(CLIENT, submit(number, (0,), call=Call(Kind.APPLY, hash_)))
        actions += play(ENGINE_0, Finished(number, task(number), 1, OK))
        dropped += [action for action in actions if isinstance(action, DropFunction)]
    return dropped


def test_functions_that_no_task_names_are_bounded_by_their_bytes() -> None:
    play = Play(Limits(idle_function_bytes=250))
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))

    assert calls(play, b"aba") == []
    assert calls(play, b"c", first=4) == [DropFunction(b"b" * 16)]
    assert calls(play, b"d", 1000, first=5) == [DropFunction(name * 16) for name in (b"a", b"c", b"d")]
    assert play.state.idle_function_bytes == 0


def test_functions_go_with_the_only_client_that_has_named_them(two: Play) -> None:
    two.connect(2)
    calls(two, b"ab")
    two(2, submit(1, (0,), client=2, call=Call(Kind.APPLY, b"b" * 16)))
    two(CLIENT, submit(3, (0,), call=Call(Kind.APPLY, b"c" * 16)))

    assert [a for a in two(CLIENT, ClientGone()) if isinstance(a, DropFunction)] == [DropFunction(b"a" * 16)]
    actions = two(ENGINE_0, Finished(3, task(3), 1, OK))
    assert [a for a in actions if isinstance(a, DropFunction)] == [DropFunction(b"c" * 16)]
