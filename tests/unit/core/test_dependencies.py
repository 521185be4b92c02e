"""Tasks that wait for others: after them, where they ran, with their results."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom.core.ends import Ends
from engineroom.core.events import EngineUp
from engineroom.core.explain import explain_task
from engineroom.core.limits import Limits
from engineroom.ids import number_of
from engineroom.protocol.messages import (
    DEFAULT_OPTIONS,
    Abort,
    Awaits,
    Condition,
    Delivered,
    Ended,
    Finished,
    ForgetInputs,
    Input,
    Options,
    Outcome,
    Ran,
    Result,
    Revoke,
    Revoked,
    Run,
    Status,
    Submit,
    Unmet,
    Withdraw,
)
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import (
    CALL,
    CUT,
    Death,
    Play,
    instance_id,
    instances,
    one_by_one,
    session_id,
    submit,
    task,
    tasks,
)

ME = session_id()
GOOD, BAD = Ran(Status.OK, 0.0, 0.001), Ran(Status.ERROR, 0.0, 0.001, "ValueError: no")
Sent = list[tuple[int, Any]]


def spans(*numbers: int, client: int = 1) -> tuple[tuple[bytes, int, int], ...]:
    return tuple((session_id(client), number, number) for number in numbers)


def waiting(number: int, awaits: Awaits, to: tuple[int, ...] | None = None) -> Submit:
    return Submit(task(number), CALL, None if to is None else instances(to), DEFAULT_OPTIONS, awaits)


def takes(number: int, *inputs: int, to: tuple[int, ...] | None = None) -> Submit:
    """Return a task whose arguments are the results of others."""
    return waiting(number, Awaits(inputs=spans(*inputs)), to)


def after(number: int, *others: int, every: bool = True, success: bool = True, failure: bool = False) -> Submit:
    return waiting(number, Awaits(after=Condition(spans(*others), every, success, failure)))


def follows(number: int, *others: int, every: bool = True) -> Submit:
    return waiting(number, Awaits(follow=Condition(spans(*others), every)))


def end(play: Play, engine: int, number: int, outcome: Ran = GOOD, attempt: int = 1) -> Sent:
    """Have an engine end an attempt; its results are numbered by their tasks."""
    return list(play.sent(engine, Finished(number, task(number), attempt, outcome, b"result")))


def runs(sent: Sent) -> list[tuple[int, int]]:
    """Return which tasks are sent to which engines."""
    return [(peer, number_of(its.task)) for peer, its in sent if isinstance(its, Run)]


def begun(sent: Sent) -> list[int]:
    """Return which tasks are sent to any engine."""
    return [number for _, number in runs(sent)]


def error_of(sent: Sent, number: int) -> str:
    """Return how a task ends that depends on what is not there."""
    (outcome,) = (its.outcome for _, its in sent if isinstance(its, Result) and its.task == task(number))
    assert outcome.status == Status.DEPENDENCY
    return outcome.error


def test_a_task_runs_after_those_it_names(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, submit(2))
    assert runs(two.sent(CLIENT, after(3, 1, 2))) == []

    assert runs(end(two, ENGINE_0, 1)) == []
    assert begun(end(two, ENGINE_1, 2)) == [3]


def test_a_task_after_ended_ones_runs_at_once_though_their_results_are_gone(two: Play) -> None:
    two(CLIENT, submit(1))
    end(two, ENGINE_0, 1)
    two(CLIENT, Delivered(1))

    assert begun(two.sent(CLIENT, after(2, 1))) == [2]


@pytest.mark.parametrize("delivered", [False, True])
def test_a_task_after_one_that_has_failed_ends_at_once(two: Play, delivered: bool) -> None:
    two(CLIENT, submit(1))
    end(two, ENGINE_0, 1, BAD)
    if delivered:
        two(CLIENT, Delivered(1))

    assert error_of(two.sent(CLIENT, after(2, 1)), 2).startswith("ImpossibleDependency: task ")
    assert begun(two.sent(CLIENT, after(3, 1, success=False, failure=True))) == [3]
    assert begun(two.sent(CLIENT, after(4, 1, failure=True))) == [4]


def test_a_task_is_impossible_as_soon_as_one_of_many_fails(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, submit(2))
    two(CLIENT, after(3, 1, 2))

    assert "failed (ValueError: no)" in error_of(end(two, ENGINE_0, 1, BAD), 3)


def test_any_of_several_will_do(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, submit(2))
    two(CLIENT, after(3, 1, 2, every=False))

    assert runs(end(two, ENGINE_0, 1, BAD)) == []
    assert begun(end(two, ENGINE_1, 2)) == [3]


def test_any_is_impossible_when_the_last_has_failed(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, submit(2))
    two(CLIENT, after(3, 1, 2, every=False))
    end(two, ENGINE_0, 1, BAD)

    assert error_of(end(two, ENGINE_1, 2, BAD), 3)


def test_no_tasks_at_all_are_met(two: Play) -> None:
    assert runs(two.sent(CLIENT, after(1))) == [(ENGINE_0, 1)]


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (((session_id(2), 1, 1),), "InvalidDependency: it depends on a task of another client: wait for that one"),
        (((ME, 2, 2),), "InvalidDependency: it depends on itself: name only"),
        (((ME, 1, 2),), "InvalidDependency: it depends on itself: name only"),
        (((ME, 3, 3),), "InvalidDependency: it depends on task"),
        (((ME, 1, 2**60),), "InvalidDependency: it depends on itself: name only"),
        (((ME, 5, 2**60),), "InvalidDependency: it depends on task"),
        (((ME, 2**60, 2**60),), "InvalidDependency: it depends on task"),
        (((ME, 0, 0),), "InvalidDependency: it depends on a task that does not exist"),
        (((ME, 1, 0),), "InvalidDependency: it depends on a task that does not exist"),
    ],
)
@pytest.mark.parametrize("way", ["after", "follow", "inputs"])
def test_what_can_be_no_task_is_refused_in_words(
    two: Play, way: str, named: tuple[tuple[bytes, int, int], ...], words: str
) -> None:
    two(CLIENT, submit(1))
    if way == "inputs" and named == ((ME, 0, 0),):
        words = "ImpossibleDependency: it needs the result of a call that was cancelled"
    awaits = Awaits(inputs=named) if way == "inputs" else Awaits(**{way: Condition(named)})  # type: ignore[arg-type]

    assert error_of(two.sent(CLIENT, waiting(2, awaits)), 2).startswith(words)


def test_ends_that_are_not_remembered_are_refused_in_words(two: Play) -> None:
    two.state.clients[CLIENT].ends = Ends(most_failures=4)
    for number in range(1, 14):
        two(CLIENT, submit(number, (0,)))
        end(two, ENGINE_0, number, BAD if number % 2 else GOOD)
    two(CLIENT, Delivered(13))

    assert error_of(two.sent(CLIENT, after(14, 2)), 14).startswith(
        "InvalidDependency: the controller does not remember"
    )
    assert begun(two.sent(CLIENT, after(15, 12))) == [15]


def test_a_result_that_is_gone_is_no_argument(two: Play) -> None:
    two(CLIENT, submit(1))
    end(two, ENGINE_0, 1)
    two(CLIENT, Delivered(1))

    assert "is not kept any more" in error_of(two.sent(CLIENT, takes(2, 1)), 2)
    assert "not kept any more" in error_of(two.sent(CLIENT, takes(3, *[1] * 3)), 3)


def test_a_task_follows_another_to_its_engine(two: Play) -> None:
    for number in (1, 2):
        two(CLIENT, submit(number))
    two(CLIENT, follows(3, 2))
    two(CLIENT, follows(4, 1))

    assert runs(end(two, ENGINE_1, 2)) == [(ENGINE_1, 3)]
    assert runs(end(two, ENGINE_0, 1)) == [(ENGINE_0, 4)]
    two(CLIENT, Delivered(2))
    assert runs(two.sent(CLIENT, follows(5, 2))) == [(ENGINE_1, 5)]


def test_a_task_follows_nobody_to_a_later_process(two: Play) -> None:
    two(CLIENT, submit(1))
    end(two, ENGINE_0, 1)
    two(CLIENT, Delivered(1))
    two(ENGINE_0, Death("killed"))
    two(12, EngineUp(instance_id(5), wanted_id=0))

    assert "has ended" in error_of(two.sent(CLIENT, follows(2, 1)), 2)


def test_a_task_that_waits_for_the_engine_it_follows_ends_with_that(two: Play) -> None:
    two(CLIENT, submit(1))
    end(two, ENGINE_0, 1)
    two(CLIENT, submit(2))
    two(CLIENT, submit(3))
    two(ENGINE_0, CUT)
    two(CLIENT, follows(4, 1))

    assert "has ended" in error_of(two.sent(ENGINE_0, Death("killed")), 4)


def test_tasks_that_ran_apart_have_no_common_engine_but_any_will_do(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, submit(2))
    end(two, ENGINE_0, 1)
    end(two, ENGINE_1, 2)

    assert "did not all run on one engine" in error_of(two.sent(CLIENT, follows(3, 1, 2)), 3)
    assert runs(two.sent(CLIENT, follows(4, 1, 2, every=False)))


def test_a_dependency_has_a_time_limit(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, waiting(2, Awaits(after=Condition(spans(1)), timeout=2.0)))
    two(CLIENT, waiting(3, Awaits(after=Condition(spans(1)), timeout=5.0)))

    assert one_by_one(two.tick(1.9)) == []
    assert error_of(list(one_by_one(two.tick(0.2))), 2).startswith("DependencyTimeout")
    assert begun(end(two, ENGINE_0, 1)) == [3]
    assert one_by_one(two.tick(9.0)) == []


def test_deadlines_of_tasks_that_wait_no_more_are_forgotten(two: Play) -> None:
    two(CLIENT, submit(1))
    for number in range(2, 300):
        two(CLIENT, waiting(number, Awaits(after=Condition(spans(1)), timeout=1e6)))
        two(CLIENT, Abort(tasks(number)))

    assert len(two.state.deadlines) < 50
    assert two.state.sessions[ME].awaited == {}


def test_a_chain_waits_on_the_engine_that_runs_its_head(two: Play) -> None:
    two(CLIENT, submit(1))

    sent = [two.sent(CLIENT, takes(number, number - 1)) for number in (2, 3)]

    assert [runs(one) for one in sent] == [[(ENGINE_0, 2)], []]  # it has what fits a function of unknown length
    sent2 = end(two, ENGINE_0, 1)
    assert not any(isinstance(its, Input) for _, its in sent2)
    assert runs(sent2) == [(ENGINE_0, 3)]


def test_a_result_of_another_engine_comes_ahead_of_the_task_once_and_is_forgotten_after_it(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, submit(2))
    two(CLIENT, submit(3))
    two(CLIENT, submit(4))
    end(two, ENGINE_0, 1)
    assert runs(two.sent(CLIENT, takes(5, 1, to=(1,)))) == [(ENGINE_1, 5)]
    sent = two.sent(CLIENT, takes(6, 1, to=(1,)))
    assert [type(its) for _, its in sent] == [Run]

    end(two, ENGINE_1, 5)
    end(two, ENGINE_1, 6)
    assert (ENGINE_1, ForgetInputs(tasks(1))) in two.sent(CLIENT, Delivered(1))


def test_an_input_is_kept_for_those_who_need_it_though_its_client_has_it(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, submit(2))
    end(two, ENGINE_0, 1)
    two(CLIENT, Submit(task(3), CALL, None, Options(engines=(7,)), Awaits(inputs=spans(1))))

    two(CLIENT, Delivered(1))

    assert 1 in two.state.sessions[ME].results
    two(CLIENT, Abort(tasks(3)))
    assert 1 not in two.state.sessions[ME].results


def test_a_failed_input_fails_all_that_follow_and_names_the_first(two: Play) -> None:
    two(CLIENT, submit(1))
    for number in range(2, 200):
        two(CLIENT, takes(number, number - 1))

    sent = end(two, ENGINE_0, 1, BAD)

    (asked,) = (its for peer, its in sent if peer == ENGINE_0 and isinstance(its, Withdraw | Revoke))
    assert asked
    sent += two.sent(ENGINE_0, Revoked(task(2), 1))
    assert all("(ValueError: no)" in error_of(sent, number) for number in range(2, 200))
    assert two.state.sessions[ME].tasks == {}


def test_an_aborted_input_fails_those_who_need_it(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(CLIENT, submit(2, (0,)))
    two(CLIENT, takes(3, 2))
    two(CLIENT, Abort(tasks(2)))

    sent = two.sent(ENGINE_0, Revoked(task(2), 1))
    sent += two.sent(ENGINE_0, Revoked(task(3), 1))
    assert "was aborted" in error_of(sent, 3)


def test_an_aborted_task_that_waits_leaves_nothing(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, after(2, 1))

    assert two.sent(CLIENT, Abort(tasks(2))) == [(CLIENT, Result(task(2), -1, Outcome(Status.ABORTED, 0.0, 0.0)))]
    assert two.state.sessions[ME].awaited == {}


def test_what_waits_on_an_engine_for_a_task_that_leaves_it_comes_back(two: Play) -> None:
    two(CLIENT, submit(1, options=Options(retries=1)))
    two(CLIENT, takes(2, 1))

    sent = end(two, ENGINE_0, 1, BAD)

    assert runs(sent) == [(ENGINE_1, 1)]
    assert (ENGINE_0, Withdraw(((ME, 2, 2, 1),))) in sent
    assert runs(two.sent(ENGINE_0, Revoked(task(2), 1))) == []
    assert begun(end(two, ENGINE_1, 1, attempt=2)) == [2]


def test_a_chain_on_a_lost_engine_runs_on_another(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, takes(2, 1))

    sent = two.sent(ENGINE_0, Death("killed"))

    assert runs(list(sent)) == [(ENGINE_1, 1), (ENGINE_1, 2)]


def test_all_that_several_inputs_take_is_bounded() -> None:
    play = Play(Limits(input_bytes=3000))
    play.connect(1)
    play(ENGINE_0, EngineUp(instance_id(0)))
    for number in range(1, 10):
        play(CLIENT, submit(number))
    play(CLIENT, takes(10, *range(1, 10)))
    sent: Sent = []
    for number in range(1, 10):
        sent += end(play, ENGINE_0, number)
    sent += play.sent(ENGINE_0, Revoked(task(10), 1))  # it was there already, and has been asked for

    assert "2.93 KiB (IPController.max_input_bytes)" in error_of(sent, 10)


def test_an_engine_that_refuses_a_task_does_not_get_it_again(two: Play) -> None:
    two(CLIENT, submit(1))

    assert runs(two.sent(ENGINE_0, Unmet(task(1), 1, "no GPU"))) == [(ENGINE_1, 1)]
    assert "no engine meets what this task asks for (engine 1: no GPU)" in error_of(
        two.sent(ENGINE_1, Unmet(task(1), 2, "no GPU")), 1
    )


def test_what_a_task_waits_for_is_explained(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, submit(2))
    two(CLIENT, after(3, 1, 2))
    two(CLIENT, takes(4, 3))

    assert "the end of 2 other tasks, first task" in explain_task(two.state, task(3)).why
    assert "the result of another task, first task" in explain_task(two.state, task(4)).why
    assert "(waiting as well)" in explain_task(two.state, task(4)).why


def test_ends_are_told_together(two: Play) -> None:
    two(CLIENT, submit(1))
    for number in range(2, 100):
        two(CLIENT, after(number, 1))

    actions = two(ENGINE_0, Finished(1, task(1), 1, BAD))

    assert sum(isinstance(getattr(action, "message", None), Ended) for action in actions) == 1
