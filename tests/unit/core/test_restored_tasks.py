"""Tasks that a store knows when a controller begins: they go on, once each, whether their client comes back or not."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom.core.actions import Accept, Action, DropFunction, Send
from engineroom.core.events import (
    Began,
    BodyHere,
    BodyLost,
    ClientGone,
    ClientUp,
    EngineUp,
    KnownEngine,
    RecordedEnd,
    RecordedEnds,
    Restored,
    RestoredTask,
    RestoredTasks,
)
from engineroom.core.journal import Try
from engineroom.core.limits import Limits
from engineroom.core.lives import LIFE_BITS
from engineroom.core.state import ControllerState
from engineroom.core.task_states import State
from engineroom.ids import TaskId
from engineroom.protocol.messages import (
    Awaits,
    Condition,
    Finished,
    Held,
    Options,
    Outcome,
    Result,
    Run,
    Started,
    Status,
    Submit,
    Sync,
    Terms,
)
from engineroom.protocol.task_ranges import attempt_ranges
from tests.unit.core.pretend import NO_PEER, OK, Death, Play, instance_id, session_id, submit, task

CLIENT, ENGINE = 1, 11
LIFE = 5 << LIFE_BITS
GRACE = Limits().reattach_grace


def known(
    number: int,
    *,
    tried: bool = False,
    body: object = None,
    lost: str = "",
    errors: int = 0,
    losses: int = 0,
    **how: Any,
) -> RestoredTask:
    """Return a task as the store knows it; `how`: of its Submit."""
    options = how.pop("options", Options())
    message = submit(number, how.pop("to", None), options, size=how.pop("size", 0))
    if how:
        message = Submit(message.task, message.call, message.to, message.options, **how)
    tries = (Try(3, 0, instance_id(0), "host", "the cluster ended", 0.0),) if tried else ()
    return RestoredTask(message, body, 50.0, tries, lost, errors=errors, losses=losses)


def stored(*tasks: RestoredTask, returns: bool = False, up_to: int = 9, **how: Any) -> RestoredTasks:
    return RestoredTasks(session_id(), tasks, up_to, returns=returns, **how)


def begun(*events: RestoredTasks, life: int = 0, engines: tuple[int, ...] = ()) -> Play:
    """Return a core that was told of tasks of a store; `life`: it goes on in the place of one with these engines."""
    play = Play(recording=True)
    if life:
        there = tuple(KnownEngine(n, EngineUp(instance_id(n))) for n in engines)
        play(NO_PEER, Restored(life, there, len(engines)))
    for event in events:
        play(NO_PEER, event)
    play(NO_PEER, Began(b""))
    return play


def runs(actions: list[Action]) -> list[tuple[int, TaskId]]:
    return [(it.peer, it.message.task) for it in actions if isinstance(it, Send) and isinstance(it.message, Run)]


def ended(play: Play, number: int) -> tuple[int, str]:
    """Return how a task ended, from what is kept for its client."""
    outcome = play.state.sessions[session_id()].results[number].result.outcome
    return outcome.status, outcome.error


def finish(play: Play, number: int, attempt: int, *, peer: int = ENGINE, nth: int = 1) -> None:
    play(peer, Finished(nth, task(number), attempt, OK, b"value"))


def test_in_a_new_cluster_they_run_as_soon_as_an_engine_is_there_and_results_are_kept_for_whoever_asks() -> None:
    play = begun(stored(known(1), known(2, tried=True)))
    assert runs(play(ENGINE, EngineUp(instance_id(7)))) == [(ENGINE, task(1)), (ENGINE, task(2))]
    finish(play, 1, 1)
    finish(play, 2, 4, nth=2)  # attempts are numbered on
    assert ended(play, 1) == ended(play, 2) == (Status.OK, "")
    ends = {it[0].number: it[0] for it in play.state.journal.ended}
    assert [each.words for each in ends[2].tries] == ["the cluster ended"]
    assert ends[1].submitted == 50.0


def test_what_must_not_run_twice_ends_if_an_engine_may_have_run_it() -> None:
    once, again = Options(rerun_lost=False), Options(rerun_lost=False, retries=1)
    play = begun(
        stored(known(1, options=once, tried=True), known(2, options=once), known(3, options=again, tried=True))
    )
    status, words = ended(play, 1)
    assert status == Status.LOST
    assert "must not run twice" in words
    assert [id_ for _, id_ in runs(play(ENGINE, EngineUp(instance_id(7))))] == [task(2), task(3)]


RAISED = Outcome(Status.ERROR, 1.0, 0.1, "ValueError: no")


def test_retries_go_on_from_the_record() -> None:
    play = begun(stored(known(1, options=Options(retries=2), tried=True, errors=1)))
    play(ENGINE, EngineUp(instance_id(7)))
    play(ENGINE, Finished(1, task(1), 4, RAISED, b"error"))
    assert play.state.sessions[session_id()].tasks[1].attempt == 5
    play(ENGINE, Finished(2, task(1), 5, RAISED, b"error"))
    assert ended(play, 1) == (Status.ERROR, "ValueError: no")


def test_the_end_of_a_cluster_counts_as_a_loss_where_losses_count_as_retries() -> None:
    once = Options(rerun_lost=False, retries=1)
    play = begun(stored(known(1, options=once, tried=True, errors=1), known(2, options=once, tried=True)))
    assert "must not run twice" in ended(play, 1)[1]
    play(ENGINE, EngineUp(instance_id(7)))
    play(ENGINE, Finished(1, task(2), 4, RAISED, b"error"))
    assert ended(play, 2)[0] == Status.ERROR


def test_a_task_that_has_killed_engines_before_is_stopped_at_the_same_number_of_them() -> None:
    play = begun(stored(known(1, tried=True, losses=2)))
    assert runs(play(ENGINE, EngineUp(instance_id(7)))) == [(ENGINE, task(1))]
    play(ENGINE, Started(task(1), 4))
    play(ENGINE, Death("killed by SIGKILL"))
    assert ended(play, 1)[0] == Status.LOST


def test_a_direct_call_to_an_engine_that_is_no_more_ends_as_lost() -> None:
    play = begun(stored(known(1, to=(0,))))
    assert ended(play, 1)[0] == Status.LOST
    assert "repeat it" in ended(play, 1)[1]


def test_a_task_of_a_task_ends_with_that() -> None:
    play = begun(stored(known(1, within=task(4, client=2))))
    assert ended(play, 1)[0] == Status.ABORTED
    assert "end with it" in ended(play, 1)[1]


def test_tasks_whose_function_is_gone_end_with_the_reason() -> None:
    play = begun(stored(known(1, lost="its function is gone")))
    assert ended(play, 1) == (Status.LOST, "its function is gone")


def test_tasks_of_a_client_that_wanted_them_to_end_with_it_are_withdrawn() -> None:
    play = begun(stored(known(1), known(2, tried=True), withdraw=True))
    assert ended(play, 1)[0] == ended(play, 2)[0] == Status.ABORTED
    assert not runs(play(ENGINE, EngineUp(instance_id(7))))


def after(*numbers: int, **how: Any) -> Awaits:
    return Awaits(after=Condition(tuple((session_id(), number, number) for number in numbers), **how))


def test_dependencies_count_what_ended_before_and_what_has_not() -> None:
    play = begun(
        stored(
            known(3, awaits=after(1)),
            known(4, awaits=after(2)),
            known(5, awaits=after(3)),
            known(6, awaits=after(2, success=False, failure=True)),
            failed=((2, 2),),
        )
    )
    assert ended(play, 4)[0] == Status.DEPENDENCY
    assert [id_ for _, id_ in runs(play(ENGINE, EngineUp(instance_id(7))))] == [task(3), task(6)]
    assert runs(play(ENGINE, Finished(1, task(3), 1, OK, b""))) == [(ENGINE, task(5))]


def test_results_that_are_arguments_come_from_the_store_and_those_it_lacks_end_a_task() -> None:
    takes = Awaits(inputs=((session_id(), 1, 1),))
    lacks = Awaits(inputs=((session_id(), 2, 2),))
    end = RecordedEnd(Result(task(1), 0, OK, b"one"))
    play = begun(stored(known(3, awaits=takes), known(4, awaits=lacks), ended=(end,)))
    assert ended(play, 4)[0] == Status.DEPENDENCY
    actions = play(ENGINE, EngineUp(instance_id(7)))
    names = [type(it.message).__name__ for it in actions if isinstance(it, Send)]
    assert names.index("Input") < names.index("Run")


def test_priorities_and_what_tasks_ask_of_engines_still_hold() -> None:
    limit = Options(terms=Terms(time_limit=3.0))
    play = begun(stored(known(1), known(2, options=Options(priority=5)), known(3, options=limit)))
    actions = play(ENGINE, EngineUp(instance_id(7)))
    assert next(id_ for _, id_ in runs(actions)) == task(2)
    actions = play(ENGINE, Finished(1, task(2), 1, OK, b"")) + play(ENGINE, Finished(2, task(1), 1, OK, b""))
    [run] = [it.message for it in actions if isinstance(it, Send) and getattr(it.message, "task", b"") == task(3)]
    assert isinstance(run, Run)
    assert run.terms is not None
    assert run.terms.time_limit == 3.0


def test_large_arguments_come_from_the_store_when_their_turn_is_near() -> None:
    one, two = object(), object()
    play = Play(recording=True)
    actions = play(NO_PEER, stored(known(1, size=100_000, body=one), known(2, size=100_000, body=two)))
    assert [it.body for it in actions if isinstance(it, Accept)] == [one, two]
    play(ENGINE, EngineUp(instance_id(7)))
    assert runs(play(NO_PEER, BodyHere(task(1), one))) == [(ENGINE, task(1))]
    play(NO_PEER, BodyLost(task(2), two, "it does not match its checksum"))
    assert ended(play, 2) == (Status.LOST, "it does not match its checksum")


def test_the_function_goes_when_no_task_of_a_client_that_is_gone_names_it() -> None:
    play = begun(stored(known(1)))
    play(ENGINE, EngineUp(instance_id(7)))
    assert any(isinstance(it, DropFunction) for it in play(ENGINE, Finished(1, task(1), 1, OK, b"")))


# The controller was killed, and another one goes on in its place: with the same keys, so that clients may come back.


def test_a_client_that_may_come_back_is_waited_for_a_moment() -> None:
    play = begun(stored(known(1), returns=True), life=5)
    assert not runs(play(ENGINE, EngineUp(instance_id(7))))
    assert runs(play.tick(GRACE)) == [(ENGINE, task(1))]
    finish(play, 1, LIFE + 1)
    assert ended(play, 1) == (Status.OK, "")


def test_a_client_that_is_back_finds_the_same_task() -> None:
    play = begun(stored(known(1), known(2), returns=True), life=5)
    play(ENGINE, EngineUp(instance_id(7)))
    play.tick(GRACE)
    finish(play, 1, LIFE + 1)
    play(CLIENT, ClientUp(session_id()))
    play(CLIENT, submit(1))
    play(CLIENT, submit(2))
    assert [message for _, message in play.sent(CLIENT, Sync()) if isinstance(message, Result)] == [
        Result(task(1), 0, OK, b"value")
    ]
    session = play.state.sessions[session_id()]
    assert set(session.tasks) == {2}
    finish(play, 2, LIFE + 1, nth=2)
    assert not session.claims


def test_what_a_client_that_is_back_does_not_want_does_not_run() -> None:
    play = begun(stored(known(1), known(2), known(3, size=100_000, body=object()), returns=True), life=5)
    play(ENGINE, EngineUp(instance_id(7)))
    play(CLIENT, ClientUp(session_id()))
    play(CLIENT, submit(2))
    assert runs(play(CLIENT, Sync())) == []  # engines may still come that have it
    assert runs(play.tick(GRACE)) == [(ENGINE, task(2))]
    session = play.state.sessions[session_id()]
    assert set(session.tasks) == {2}
    assert session.known_up_to == 9


def test_a_client_that_comes_late_takes_what_is_unwanted_from_engines() -> None:
    play = begun(stored(*map(known, range(1, 5)), returns=True), life=5)
    play(ENGINE, EngineUp(instance_id(7)))
    play.tick(GRACE)
    play(ENGINE, Started(task(1), LIFE + 1))
    play(CLIENT, ClientUp(session_id()))
    play(CLIENT, submit(3))
    play(CLIENT, Sync())
    assert set(play.state.sessions[session_id()].tasks) == {3}


def test_an_engine_that_has_a_task_goes_on_with_it() -> None:
    play = begun(stored(known(1, tried=True), known(2, tried=True), returns=True), life=5, engines=(0,))
    play.alone(ENGINE, EngineUp(instance_id(0), back=True))
    play.alone(ENGINE, Held(running=attempt_ranges([(task(1), 3)]), queued=attempt_ranges([(task(2), 3)])))
    session = play.state.sessions[session_id()]
    assert session.tasks[1].state is State.STARTED
    assert session.tasks[2].state is State.SENT
    finish(play, 1, 3)
    assert ended(play, 1) == (Status.OK, "")
    assert not runs(play.tick(GRACE))


def test_large_arguments_still_come_for_a_task_that_runs_already() -> None:
    body = object()
    play = begun(stored(known(1, size=100_000, body=body, tried=True), returns=True), life=5, engines=(0,))
    play.alone(ENGINE, EngineUp(instance_id(0), back=True))
    play.alone(ENGINE, Held(running=attempt_ranges([(task(1), 3)])))
    assert play.state.sessions[session_id()].tasks[1].body is body


def test_a_direct_call_waits_for_its_engine() -> None:
    play = begun(stored(known(1, to=(0,)), known(2, to=(0,)), returns=True), life=5, engines=(0,))
    play.tick(GRACE)
    assert runs(play(ENGINE, EngineUp(instance_id(0), back=True))) == [(ENGINE, task(1)), (ENGINE, task(2))]


def test_results_that_a_client_does_not_have_are_those_of_the_store() -> None:
    play = begun(life=5)
    ends = tuple(RecordedEnd(Result(task(n), 0, OK, b"%d" % n)) for n in (1, 2, 3))
    play(NO_PEER, RecordedEnds(session_id(), 3, ends))
    play(CLIENT, ClientUp(session_id()))
    for number in (1, 3, 4):
        play(CLIENT, submit(number))
    results = [message.task for _, message in play.sent(CLIENT, Sync()) if isinstance(message, Result)]
    assert results == [task(1), task(3)]
    assert not play.state.journal.ended  # they are recorded
    session = play.state.sessions[session_id()]
    assert set(session.results) == {1, 3}
    assert set(session.tasks) == {4}


def test_a_failed_function_is_taken_from_a_client_that_comes_back() -> None:
    play = begun(stored(known(1, lost="gone"), returns=True), life=5)
    play(CLIENT, ClientUp(session_id()))
    play(CLIENT, submit(1))
    play(CLIENT, Sync())
    play(ENGINE, EngineUp(instance_id(7)))
    assert runs(play.tick(GRACE)) == [(ENGINE, task(1))]


def test_a_client_that_goes_before_it_has_said_all_is_not_waited_for_long() -> None:
    play = begun(stored(known(1), returns=True), life=5)
    play(ENGINE, EngineUp(instance_id(7)))
    play(CLIENT, ClientUp(session_id()))
    play.tick(GRACE)
    play(CLIENT, ClientGone())
    assert runs(play.tick(GRACE)) == [(ENGINE, task(1))]


def test_tasks_of_tasks_go_on_if_their_client_is_back() -> None:
    """That is the engine which runs their parent."""
    play = begun(stored(known(1, within=task(4, client=2)), returns=True), life=5, engines=(0,))
    play.alone(ENGINE, EngineUp(instance_id(0), back=True))
    play.alone(ENGINE, Held(running=attempt_ranges([(task(4, client=2), 3)])))
    play(CLIENT, ClientUp(session_id(), within=instance_id(0)))
    message = known(1, within=task(4, client=2)).submit
    play(CLIENT, message)
    play(CLIENT, Sync())
    play.tick(GRACE)
    assert play.state.sessions[session_id()].tasks[1].state is State.SENT


@pytest.mark.parametrize("returns", [False, True])
def test_more_than_the_limit_of_unfinished_bytes_goes_on(returns: bool) -> None:
    play = Play(Limits(submitted_bytes=2000))
    if returns:
        play(NO_PEER, Restored(5))
    play(NO_PEER, stored(*map(known, range(1, 9)), returns=returns))
    play(ENGINE, EngineUp(instance_id(7)))
    play.tick(GRACE)
    assert not play.state.sessions[session_id()].results


def test_a_second_controller_after_a_second_kill_goes_on_as_well() -> None:
    play = begun(stored(known(1), returns=True), life=5)
    play.state = ControllerState(play.state.limits)
    play(NO_PEER, Restored(6))
    play(NO_PEER, stored(known(1, tried=True), returns=True))
    play(ENGINE, EngineUp(instance_id(7)))
    assert runs(play.tick(GRACE)) == [(ENGINE, task(1))]
    play(ENGINE, Finished(1, task(1), (6 << LIFE_BITS) + 1, Outcome(Status.OK, 0.0, 0.1), b""))
    assert ended(play, 1)[0] == Status.OK
