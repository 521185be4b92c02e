"""Balanced tasks: who gets them, and what happens when they raise."""

from __future__ import annotations

from engineroom.core.events import EngineUp
from engineroom.protocol.messages import Finished, Options, Outcome, Run, Started, Status, TasksStarted
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import ERROR, Play, instance_id, result, run, submit, task, tasks

LONG = Outcome(Status.OK, 0.0, 5.0)


def runs(sent: list[tuple[int, object]]) -> list[tuple[int, Run]]:
    return [(peer, message) for peer, message in sent if isinstance(message, Run)]


def test_idle_engines_first(two: Play) -> None:
    assert two.sent(CLIENT, submit(1)) == [(ENGINE_0, run(1))]
    assert two.sent(CLIENT, submit(2)) == [(ENGINE_1, run(2))]


def test_the_result_names_the_engine(two: Play) -> None:
    two(CLIENT, submit(1))

    assert two.sent(ENGINE_0, Finished(1, task(1), 1, LONG, b"done")) == [(CLIENT, result(1, 0, LONG, b"done"))]


def test_only_on_the_engines_that_its_options_name(two: Play) -> None:
    only_one = Options(engines=(1,))

    assert runs(two.sent(CLIENT, submit(1, options=only_one))) == [(ENGINE_1, run(1))]
    assert runs(two.sent(CLIENT, submit(2, options=only_one))) == [(ENGINE_1, run(2))]
    assert runs(two.sent(CLIENT, submit(3, options=only_one))) == []
    assert runs(two.sent(ENGINE_1, Finished(1, task(1), 1, LONG))) == []  # 2 runs there now, and long ones don't queue
    assert runs(two.sent(ENGINE_1, Finished(2, task(2), 1, LONG))) == [(ENGINE_1, run(3))]


def test_a_task_for_a_busy_engine_does_not_hold_up_others(two: Play) -> None:
    for number in range(1, 5):
        two(CLIENT, submit(number, options=Options(engines=(1,))))

    assert runs(two.sent(CLIENT, submit(5))) == [(ENGINE_0, run(5))]


def test_tasks_may_wait_for_an_engine_that_was_never_there(two: Play) -> None:
    assert two.sent(CLIENT, submit(1, options=Options(engines=(5,)))) == []

    assert runs(two.sent(15, EngineUp(instance_id(5), wanted_id=5))) == [(15, run(1))]


def test_higher_priority_goes_first(two: Play) -> None:
    for number in range(1, 6):
        two(CLIENT, submit(number))
    two(CLIENT, submit(6, options=Options(priority=1)))

    two(ENGINE_0, Finished(1, task(1), 1, LONG))
    assert runs(two.sent(ENGINE_0, Finished(2, task(3), 1, LONG))) == [(ENGINE_0, run(6))]


def test_an_exception_is_tried_again_elsewhere_as_often_as_asked(two: Play) -> None:
    two(CLIENT, submit(1, options=Options(retries=2)))

    assert two.sent(ENGINE_0, Finished(1, task(1), 1, ERROR)) == [(ENGINE_1, run(1, 2))]
    assert two.sent(ENGINE_1, Finished(1, task(1), 2, ERROR)) == [(ENGINE_0, run(1, 3))]
    assert two.sent(ENGINE_0, Finished(2, task(1), 3, ERROR)) == [(CLIENT, result(1, 0, ERROR))]


def test_a_retry_rather_waits_for_another_engine_than_run_where_it_failed(two: Play) -> None:
    two(CLIENT, submit(1, options=Options(retries=1)))
    two(CLIENT, submit(2))
    two(CLIENT, submit(3))
    two(CLIENT, submit(4))

    assert two.sent(ENGINE_0, Finished(1, task(1), 1, ERROR)) == [(ENGINE_1, run(1, 2))]


def test_a_result_of_another_attempt_is_ignored(two: Play) -> None:
    two(CLIENT, submit(1, options=Options(retries=1)))
    two(ENGINE_0, Finished(1, task(1), 1, ERROR))

    assert two.sent(ENGINE_0, Finished(2, task(1), 1, LONG)) == []
    assert two.sent(ENGINE_1, Finished(1, task(1), 2, LONG)) == [(CLIENT, result(1, 1, LONG))]


def test_a_start_is_told_once(two: Play) -> None:
    two(CLIENT, submit(1))

    assert two.sent(ENGINE_0, Started(task(1), 1)) == [(CLIENT, TasksStarted(0, tasks(1)))]
    assert two.sent(ENGINE_0, Started(task(1), 1)) == []
    assert two.sent(ENGINE_1, Started(task(1), 1)) == []
