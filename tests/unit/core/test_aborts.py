"""Aborting: the engine's answer decides."""

from __future__ import annotations

from engineroom.protocol.messages import (
    Abort,
    AlreadyStarted,
    EngineLeft,
    Finished,
    Interrupt,
    Options,
    Result,
    Started,
    Status,
    TasksStarted,
    Withdraw,
    Withdrawn,
)
from tests.unit.core.conftest import CLIENT, ENGINE_0
from tests.unit.core.pretend import (
    ABORTED,
    ERROR,
    OK,
    Death,
    Play,
    instance_id,
    result,
    session_id,
    submit,
    task,
    tasks,
)

ATTEMPT = ((session_id(), 1, 1, 1),)


def test_what_waits_here_ends_at_once(play: Play) -> None:
    play(CLIENT, submit(1))

    assert play.sent(CLIENT, Abort(tasks(1))) == [(CLIENT, result(1, -1, ABORTED))]
    assert play(CLIENT, Abort(tasks(1))) == []


def test_what_is_on_an_engine_ends_when_that_has_given_it_back(two: Play) -> None:
    two(CLIENT, submit(1))

    assert two.sent(CLIENT, Abort(tasks(1))) == [(ENGINE_0, Withdraw(ATTEMPT))]
    assert two.sent(CLIENT, Abort(tasks(1))) == []
    assert two.sent(ENGINE_0, Withdrawn(ATTEMPT)) == [(CLIENT, result(1, -1, ABORTED))]


def test_what_has_started_runs_on(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, Abort(tasks(1)))

    assert two.sent(ENGINE_0, AlreadyStarted(task(1), 1)) == [(CLIENT, TasksStarted(0, tasks(1)))]
    assert two.sent(ENGINE_0, Finished(1, task(1), 1, OK)) == [(CLIENT, result(1, 0))]


def test_what_has_started_is_interrupted_if_asked_to(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, Abort(tasks(1), interrupt=True))

    sent = two.sent(ENGINE_0, AlreadyStarted(task(1), 1))

    assert sent == [(CLIENT, TasksStarted(0, tasks(1))), (ENGINE_0, Interrupt(task(1), 1))]


def test_a_second_abort_may_interrupt_what_the_first_left_running(two: Play) -> None:
    two(CLIENT, submit(1))
    two(ENGINE_0, Started(task(1), 1))
    assert two.sent(CLIENT, Abort(tasks(1))) == []

    assert two.sent(CLIENT, Abort(tasks(1), interrupt=True)) == [(ENGINE_0, Interrupt(task(1), 1))]


def test_a_second_abort_that_asks_for_less_takes_nothing_back(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, Abort(tasks(1), interrupt=True))
    two(CLIENT, Abort(tasks(1)))

    assert (ENGINE_0, Interrupt(task(1), 1)) in two.sent(ENGINE_0, AlreadyStarted(task(1), 1))
    assert two.sent(CLIENT, Abort(tasks(1))) == []


def test_an_abort_that_is_said_again_interrupts_only_what_was_not_interrupted(two: Play) -> None:
    """A client does so after it has lost its connection: the first one may have been lost with that."""
    again = Abort(tasks(1), interrupt=True, again=True)
    two(CLIENT, submit(1))
    two(ENGINE_0, Started(task(1), 1))
    two(CLIENT, Abort(tasks(1)))

    assert two.sent(CLIENT, again) == [(ENGINE_0, Interrupt(task(1), 1))]
    assert two.sent(CLIENT, again) == []
    assert two.sent(CLIENT, Abort(tasks(1), interrupt=True)) == [(ENGINE_0, Interrupt(task(1), 1))], "a person insists"


def test_an_abort_that_was_lost_is_as_good_when_it_is_said_again(two: Play) -> None:
    two(CLIENT, submit(1))

    assert two.sent(CLIENT, Abort(tasks(1), again=True)) == [(ENGINE_0, Withdraw(ATTEMPT))]
    assert two.sent(CLIENT, Abort(tasks(1), again=True)) == []
    assert two.sent(ENGINE_0, Withdrawn(ATTEMPT)) == [(CLIENT, result(1, -1, ABORTED))]


def test_an_aborted_task_is_not_tried_again(two: Play) -> None:
    two(CLIENT, submit(1, options=Options(retries=5)))
    two(ENGINE_0, Started(task(1), 1))
    two(CLIENT, Abort(tasks(1), interrupt=True))

    assert two.sent(ENGINE_0, Finished(1, task(1), 1, ERROR)) == [(CLIENT, result(1, 0, ERROR))]


def test_an_aborted_task_does_not_run_elsewhere_when_its_engine_dies(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, Abort(tasks(1)))

    sent = two.sent(ENGINE_0, Death("exit code 1"))

    assert sent == [(CLIENT, EngineLeft(0, instance_id(0), "exit code 1")), (CLIENT, result(1, 0, ABORTED))]


def test_an_aborted_task_that_ran_when_its_engine_died_is_lost(two: Play) -> None:
    two(CLIENT, submit(1))
    two(ENGINE_0, Started(task(1), 1))
    two(CLIENT, Abort(tasks(1)))

    ends = [message for _, message in two.sent(ENGINE_0, Death("exit code 1")) if isinstance(message, Result)]

    assert [end.outcome.status for end in ends] == [Status.LOST]
    assert ends[0].outcome.error == "this task was running when engine 0 (exit code 1) died; it had been aborted"


def test_many_withdrawn_tasks_leave_no_trace(play: Play) -> None:
    for number in range(1, 301):
        play(CLIENT, submit(number))
        if number % 3:
            play(CLIENT, Abort(tasks(number)))

    (pool,) = play.state.pools.values()
    assert pool.queue.waiting == 100
    assert sorted(its.number for its in pool.queue.tasks()) == list(range(3, 301, 3))


def test_unknown_tasks_are_no_matter(two: Play) -> None:
    assert two(CLIENT, Abort(tasks(9))) == []
    assert two(CLIENT, Abort(tasks(1, client=5))) == []
