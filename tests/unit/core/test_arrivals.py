"""What waits for bytes takes no place: it waits beside, in order, is bounded, and ends with its sender."""

from __future__ import annotations

import pytest

from engineroom.core.actions import Accept, DropBody, DropFunction, Send
from engineroom.core.events import (
    BodyHere,
    BodyLost,
    ClientGone,
    ClientUp,
    EngineUp,
    FunctionComing,
    FunctionHere,
    FunctionLost,
    FunctionMissing,
    Large,
)
from engineroom.core.explain import explain_task
from engineroom.core.limits import Limits
from engineroom.ids import number_of
from engineroom.protocol.messages import (
    Abort,
    Ended,
    Finished,
    NeedFunction,
    Options,
    Outcome,
    Result,
    Revoke,
    Revoked,
    Run,
    Started,
    Status,
    Submit,
    SubmitAgain,
)
from engineroom.protocol.task_ranges import numbers_in
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import CALL, FUNCTION, OK, Death, Play, instance_id, run, session_id, submit, task, tasks

OTHER = 2
"""Another client, and its peer."""

MIB = 2**20


def large(
    number: int, to: tuple[int, ...] | None = None, *, size: int = MIB, client: int = 1, priority: int = 0
) -> Large:
    """Return a submitted task whose arguments, the body `number`, are to come."""
    return Large(submit(number, to, Options(priority=priority), client=client, size=size), number)


def runs(actions: list[object]) -> list[int]:
    """Return the numbers of the tasks that engines are sent."""
    sent = [action.message for action in actions if isinstance(action, Send)]
    return [number_of(message.task) for message in sent if isinstance(message, Run)]


def ends(actions: list[object]) -> list[tuple[int, int]]:
    """Return number and status of the tasks whose clients are told that they have ended."""
    found = []
    for action in actions:
        if isinstance(action, Send) and isinstance(action.message, Result):
            found.append((number_of(action.message.task), action.message.outcome.status))
        elif isinstance(action, Send) and isinstance(action.message, Ended):
            numbers = numbers_in(action.message.tasks.ranges)
            found += [(number, action.message.outcome.status) for number in numbers]
    return found


def test_a_task_is_placed_when_its_arguments_are_there(two: Play) -> None:
    assert two(CLIENT, large(1)) == [Accept(1)]
    assert two.sent(CLIENT, submit(2)) == [(ENGINE_0, run(2))]
    assert two.sent(CLIENT, submit(3)) == [(ENGINE_1, run(3))]

    two(ENGINE_0, Finished(1, task(2), 1, OK))

    assert runs(two(CLIENT, BodyHere(task(1), 1))) == [1]


def test_bytes_that_do_not_come_keep_no_engine_from_others(two: Play) -> None:
    two.connect(OTHER)
    for number, to in ((1, None), (2, (0, 1)), (4, (0,))):
        two(CLIENT, large(number, to))
    two.now += 1000.0

    assert all(engine.level == 0 and not engine.held for engine in two.state.engines.values())
    assert runs(two(OTHER, submit(1, client=OTHER))) == [1]
    assert runs(two(OTHER, submit(2, (0,), client=OTHER))) == [2]
    assert runs(two(OTHER, submit(3, (1,), client=OTHER))) == [3]


def test_a_direct_task_waits_for_the_bytes_of_one_before_it(two: Play) -> None:
    two(CLIENT, large(1, (0,)))
    assert two(CLIENT, submit(2, (0,))) == []
    assert runs(two(CLIENT, submit(3, (1,)))) == [3]

    assert runs(two(CLIENT, BodyHere(task(1), 1))) == [1, 2]
    assert runs(two(CLIENT, submit(4, (0,)))) == [4]


def test_bytes_that_come_in_another_order_change_no_order_of_direct_tasks(two: Play) -> None:
    for number in (1, 2, 3):
        assert two(CLIENT, large(number, (0,))) == [Accept(number)]

    assert runs(two(CLIENT, BodyHere(task(3), 3))) == []
    assert runs(two(CLIENT, BodyHere(task(1), 1))) == [1]
    assert runs(two(CLIENT, BodyHere(task(2), 2))) == [2, 3]


def test_a_broadcast_is_sent_to_all_when_its_bytes_are_there(two: Play) -> None:
    assert two(CLIENT, large(1, (0, 1))) == [Accept(1)]

    assert runs(two(CLIENT, BodyHere(task(1), 1))) == [1, 2]


@pytest.mark.parametrize("to", [(0, 0), (0, 1, 0), (1, 0, 0, 0), (0,) * 5])
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("limits", [Limits(ahead_direct_bytes=MIB), Limits(ahead_tasks=1)])
def test_a_call_that_names_an_engine_twice_does_not_wait_for_itself(
    limits: Limits, to: tuple[int, ...], again: bool
) -> None:
    play = Play(limits)
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(ENGINE_1, EngineUp(instance_id(1)))
    peer, body = CLIENT, 1

    assert play(peer, large(1, to)) == [Accept(1)]
    if again:
        play(peer, ClientGone())
        peer, body = 5, 2
        play(peer, ClientUp(session_id()))
        assert play(peer, Large(submit(1, to, size=MIB), body)) == [Accept(body)]
    number = len(to) + 1
    assert play(peer, large(number, (0,))) == [], "the bytes of the next call wait for these"

    assert runs(play(peer, BodyHere(task(1), body))) == [*range(1, number)]
    asked = [
        action
        for place, instance in enumerate(to, 1)
        for action in play((ENGINE_0, ENGINE_1)[instance], Finished(place, task(place), 1, OK))
        if isinstance(action, Accept)
    ]
    assert asked == [Accept(number)]


def test_only_the_bytes_of_the_next_tasks_are_asked_for() -> None:
    play = Play(Limits(ahead_bytes=64 * MIB))
    play.connect(CLIENT)

    asked = [play(CLIENT, large(number, size=30 * MIB)) for number in range(1, 201)]

    assert asked[:2] == [[Accept(1)], [Accept(2)]]
    assert not any(asked[2:])
    assert play(CLIENT, Abort(tasks(1)))[0] == DropBody(1)


def test_the_next_is_asked_for_when_one_is_on_an_engine(two: Play) -> None:
    two(CLIENT, large(1, size=60 * MIB))
    assert two(CLIENT, large(2, size=60 * MIB)) == []

    assert Accept(2) in two(CLIENT, BodyHere(task(1), 1))


def test_what_has_priority_is_asked_for_first() -> None:
    play = Play(Limits(ahead_bytes=MIB))
    play.connect(CLIENT)
    for number in (1, 2, 3):
        play(CLIENT, large(number, priority=number))

    assert Accept(3) in play(CLIENT, Abort(tasks(1)))


def test_so_many_at_most() -> None:
    play = Play(Limits(ahead_tasks=3))
    play.connect(CLIENT)

    asked = [play(CLIENT, large(number)) for number in range(1, 6)]

    assert [len(actions) for actions in asked] == [1, 1, 1, 0, 0]


def test_each_client_has_its_own_turn() -> None:
    play = Play(Limits(ahead_bytes=MIB))
    play.connect(CLIENT)
    play.connect(OTHER)
    play(CLIENT, large(1))
    assert play(CLIENT, large(2)) == []

    assert play(OTHER, large(1, client=OTHER)) == [Accept(1)]


def test_what_waits_for_a_busy_engine_keeps_nothing_from_another(two: Play) -> None:
    for number in range(1, 20):
        two(CLIENT, large(number, (0,), size=100 * MIB))

    assert two(CLIENT, large(20, (1,), size=100 * MIB)) == [Accept(20)]


def test_direct_tasks_are_bounded_by_what_has_not_ended() -> None:
    play = Play(Limits(ahead_direct_bytes=MIB))
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(CLIENT, large(1, (0,)))
    assert play(CLIENT, large(2, (0,))) == []
    assert runs(play(CLIENT, BodyHere(task(1), 1))) == [1]

    assert Accept(2) in play(ENGINE_0, Finished(1, task(1), 1, OK))


@pytest.mark.parametrize("to", [None, (0,), (0, 1)])
def test_bytes_end_with_the_connection_that_brings_them(two: Play, to: tuple[int, ...] | None) -> None:
    two(CLIENT, large(1, to))
    count = 1 if to is None else len(to)

    assert two.sent(CLIENT, ClientGone()) == []
    assert not two.state.sessions[session_id()].tasks

    again = two.sent(3, ClientUp(session_id()))  # who comes back is asked for all of it
    assert again[-1] == (3, SubmitAgain(tasks(*range(1, count + 1))))


def test_a_client_that_connects_anew_before_its_old_connection_is_known_to_be_gone_is_told_as_well(two: Play) -> None:
    two(CLIENT, large(1, (0,)))

    assert (3, SubmitAgain(tasks(1))) in two.sent(3, ClientUp(session_id()))


def test_direct_tasks_do_not_overtake_one_whose_bytes_went_with_the_connection(two: Play) -> None:
    """Their client submits all of them again, in their order."""
    two(CLIENT, large(1, (0,)))
    two(CLIENT, submit(2, (0,)))
    two(CLIENT, submit(3, (1,)))

    two(CLIENT, ClientGone())

    assert (3, SubmitAgain(tasks(1, 2))) in two.sent(3, ClientUp(session_id()))
    assert two(3, submit(4, (0,))) == []  # what is newer waits
    assert two(3, submit(2, (0,))) == []
    assert two(3, large(1, (0,))) == [Accept(1)]
    assert runs(two(3, BodyHere(task(1), 1))) == [1, 2, 4]


def test_of_what_is_submitted_again_out_of_order_the_first_is_asked_for_in_any_case() -> None:
    play = Play(Limits(ahead_direct_bytes=MIB))
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(CLIENT, large(1, (0,)))
    play(CLIENT, large(2, (0,)))
    play(CLIENT, ClientGone())
    play(3, ClientUp(session_id()))

    assert play(3, large(2, (0,))) == [Accept(2)]
    assert play(3, large(1, (0,))) == [Accept(1)]


def test_bytes_that_can_not_be_kept_end_their_task_with_the_reason_and_no_other(two: Play) -> None:
    two(CLIENT, large(1, (0,)))
    two(CLIENT, submit(2, (0,)))

    told = two.sent(CLIENT, BodyLost(task(1), 1, "no memory for 1 MiB"))

    assert told[0] == (CLIENT, Result(task(1), -1, Outcome(Status.LOST, 0.0, 0.0, "no memory for 1 MiB")))
    assert told[1:] == [(ENGINE_0, run(2, direct=True))]


def test_an_engine_that_dies_ends_what_waits_for_it(two: Play) -> None:
    two(CLIENT, large(1, (0,)))
    two(CLIENT, submit(2, (0,)))

    told = two(ENGINE_0, Death("killed by SIGKILL"))

    assert DropBody(1) in told
    assert ends(told) == [(1, Status.LOST), (2, Status.LOST)]


def test_a_cancelled_task_that_waits_ends_at_once_and_those_behind_it_go_on(two: Play) -> None:
    two(CLIENT, large(1, (0,)))
    two(CLIENT, submit(2, (0,)))

    told = two(CLIENT, Abort(tasks(1)))

    assert told[0] == DropBody(1)
    assert ends(told) == [(1, Status.ABORTED)]
    assert runs(told) == [2]


def test_a_thousand_cancelled_ones_of_many_leave_the_others_in_order(two: Play) -> None:
    two(CLIENT, large(1, (0,)))
    for number in range(2, 202):
        two.quietly(CLIENT, submit(number, (0,)))

    two(CLIENT, Abort(tasks(*range(2, 201))))

    assert runs(two(CLIENT, BodyHere(task(1), 1))) == [1, 201]


def test_a_task_waits_for_its_function(two: Play) -> None:
    two.connect(OTHER)
    two(CLIENT, FunctionComing(FUNCTION))
    assert two(CLIENT, submit(1)) == []
    assert two(CLIENT, submit(2, (0,))) == []
    assert two(OTHER, submit(1, client=OTHER)) == []
    assert runs(two(CLIENT, submit(3, call=CALL.__class__(CALL.kind, b"another")))) == [3]

    assert sorted(runs(two(CLIENT, FunctionHere(FUNCTION)))) == [1, 1, 2]


def test_a_task_waits_for_its_function_and_its_arguments(two: Play) -> None:
    two(CLIENT, FunctionComing(FUNCTION))
    two(CLIENT, large(1))

    assert two(CLIENT, BodyHere(task(1), 1)) == []
    assert runs(two(CLIENT, FunctionHere(FUNCTION))) == [1]


def test_a_function_ends_with_its_sender_for_all_that_name_it_unless_another_can_send_it(two: Play) -> None:
    two.connect(OTHER)
    two(CLIENT, FunctionComing(FUNCTION))
    two(CLIENT, submit(1))
    two(OTHER, submit(1, client=OTHER))

    assert two.sent(CLIENT, ClientGone()) == [(OTHER, NeedFunction(FUNCTION))]
    assert ends(two(OTHER, ClientGone())) == []
    assert not any(session.tasks for session in two.state.sessions.values())
    assert (3, SubmitAgain(tasks(1, client=OTHER))) in two.sent(3, ClientUp(session_id(OTHER)))


def test_another_sender_serves_all(two: Play) -> None:
    two.connect(OTHER)
    two(CLIENT, FunctionComing(FUNCTION))
    two(OTHER, FunctionComing(FUNCTION))
    two(CLIENT, submit(1))
    two(OTHER, submit(1, client=OTHER))
    assert two.sent(CLIENT, ClientGone()) == []

    assert runs(two(OTHER, FunctionHere(FUNCTION))) == [1, 1]


def test_a_client_that_was_asked_and_says_nothing_keeps_no_other_waiting(two: Play) -> None:
    two.connect(OTHER)
    two(CLIENT, submit(1, (0,)))
    two(ENGINE_0, FunctionMissing(FUNCTION))
    assert two.sent(ENGINE_0, Revoked(task(1), 1)) == [(CLIENT, NeedFunction(FUNCTION))]

    assert two.sent(OTHER, submit(1, client=OTHER)) == [(OTHER, NeedFunction(FUNCTION))]
    assert two.sent(OTHER, submit(2, client=OTHER)) == []
    two(OTHER, FunctionComing(FUNCTION))
    assert sorted(runs(two(OTHER, FunctionHere(FUNCTION)))) == [1, 1, 2]


def test_a_function_that_can_not_be_kept_ends_the_tasks_of_its_sender_with_the_reason(two: Play) -> None:
    two(CLIENT, FunctionComing(FUNCTION))
    two(CLIENT, submit(1))

    assert ends(two(CLIENT, FunctionLost(FUNCTION, "no memory"))) == [(1, Status.LOST)]
    assert two.sent(CLIENT, submit(2)) == [(CLIENT, NeedFunction(FUNCTION))]  # each task is one try


def test_a_function_that_went_astray_is_awaited_beside_and_in_order(two: Play) -> None:
    assert runs(two(CLIENT, submit(1, (0,)))) == [1]
    assert runs(two(CLIENT, submit(2, (0,), call=CALL.__class__(CALL.kind, b"another")))) == [2]
    assert runs(two(CLIENT, submit(3, (1,), call=CALL.__class__(CALL.kind, b"another")))) == [3]

    asked = two.sent(ENGINE_0, FunctionMissing(FUNCTION))
    assert asked == [(ENGINE_0, Revoke(task(2), 1)), (ENGINE_0, Revoke(task(1), 1))]
    assert two(CLIENT, submit(4, (0,), call=CALL.__class__(CALL.kind, b"another"))) == []
    assert two(ENGINE_0, Revoked(task(2), 1)) == []
    assert two.sent(ENGINE_0, Revoked(task(1), 1)) == [(CLIENT, NeedFunction(FUNCTION))]
    assert two.state.engines[0].level == 0

    assert runs(two(CLIENT, FunctionHere(FUNCTION))) == [1, 2, 4]


def test_a_start_that_was_announced_too_early_is_taken_back(two: Play) -> None:
    two(CLIENT, submit(1, (0,), Options(rerun_lost=False)))
    two(ENGINE_0, Started(task(1), 1))
    assert two.sent(ENGINE_0, FunctionMissing(FUNCTION)) == [(ENGINE_0, Revoke(task(1), 1))]
    two(ENGINE_0, Started(task(1), 1))  # on its way when it was asked back

    assert two.sent(ENGINE_0, Revoked(task(1), 1)) == [(CLIENT, NeedFunction(FUNCTION))]
    assert runs(two(CLIENT, FunctionHere(FUNCTION))) == [1]


def test_why_it_waits_is_said() -> None:
    play = Play(Limits(ahead_bytes=MIB))
    play.connect(CLIENT)
    play(CLIENT, FunctionComing(b"g"))
    for event in (large(1), large(2), submit(3, call=CALL.__class__(CALL.kind, b"g"))):
        play(CLIENT, event)

    said = [explain_task(play.state, task(number)) for number in (1, 2, 3)]

    assert [about.state for about in said] == ["waiting"] * 3
    assert said[0].why == "waiting for its client to send its arguments (1.0 MiB)"
    assert "will be sent when earlier tasks of its client (1.0 MiB) have started" in str(said[1].why)
    assert said[2].why == "waiting for its client to send its function"


def test_who_has_nothing_to_wait_for_makes_no_lines(two: Play) -> None:
    event: Submit
    for event in (submit(1), submit(2, (0,)), submit(3, (0, 1))):
        two(CLIENT, event)

    assert not any(engine.lines for engine in two.state.engines.values())
    assert not any(pool.lines for pool in two.state.pools.values())


def test_functions_that_no_task_names_are_few_and_the_oldest_go_first() -> None:
    play = Play(Limits(idle_functions=20))
    play.connect(CLIENT)
    hashes = [number.to_bytes(16, "big") for number in range(1, 61)]
    dropped = [
        action.hash
        for hash_ in hashes
        for action in play(CLIENT, FunctionHere(hash_))
        if isinstance(action, DropFunction)
    ]
    assert dropped == hashes[:-20]
    assert len(play.state.functions) <= 21


def test_a_function_that_is_here_before_its_task_is_not_dropped_while_the_task_is_unfinished() -> None:
    play = Play(Limits(idle_functions=20))
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(CLIENT, FunctionHere(FUNCTION))
    assert runs(play(CLIENT, submit(1))) == [1]
    for number in range(1, 61):
        assert DropFunction(FUNCTION) not in play(CLIENT, FunctionHere(number.to_bytes(16, "big")))
