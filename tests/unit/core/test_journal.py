"""What is noted of tasks for whoever keeps records, and that engines keep results until these are written."""

from __future__ import annotations

from engineroom.core.actions import Action, Send
from engineroom.core.events import ClientGone, Committed, EngineUp
from engineroom.core.journal import Ending, Reception
from engineroom.core.limits import Limits
from engineroom.ids import TaskId
from engineroom.protocol.messages import (
    Abort,
    Delivered,
    EngineInfo,
    Finished,
    Options,
    Outcome,
    Output,
    Started,
    Status,
)
from engineroom.protocol.ranges import MOST
from engineroom.protocol.task_ranges import TaskRanges
from tests.unit.core.pretend import OK, Death, Play, instance_id, session_id, submit, task, tasks

CLIENT, ENGINE_0, ENGINE_1 = 1, 10, 11
FAILED = Outcome(Status.ERROR, 1.0, 0.1, "ValueError: no")
AT_ONCE = Limits(acknowledge_results=1)


def begin(*, early: bool = False, limits: Limits | None = None) -> Play:
    play = Play(limits, recording=True)
    play.state.journal.early = early
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0), EngineInfo(host="one")))
    return play


def ends(play: Play) -> list[Ending]:
    taken, play.state.journal.ended = play.state.journal.ended, []
    return taken


def acknowledged(actions: list[Action]) -> list[Delivered]:
    return [
        action.message
        for action in actions
        if isinstance(action, Send) and action.peer != CLIENT and isinstance(action.message, Delivered)
    ]


def finished(number: int, outcome: Outcome = OK, attempt: int = 1, at: int = 1) -> Finished:
    return Finished(at, task(number), attempt, outcome, b"body")


def test_a_task_is_noted_once_at_its_end_with_what_it_was_and_how_it_ended() -> None:
    play = begin()
    play(CLIENT, submit(1))
    play.now += 2
    play(ENGINE_0, finished(1))

    [(ended, kept, output)] = ends(play)

    assert (ended.id, ended.submit, ended.submitted) == (task(1), submit(1), 100.0)
    assert (kept.result.body, kept.engine and kept.engine.id, kept.finished) == (b"body", 0, 102.0)
    assert output is None
    assert not play.state.journal


def test_nothing_is_noted_while_nobody_keeps_records() -> None:
    play = Play()
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(CLIENT, submit(1))
    play(ENGINE_0, finished(1))

    assert not play.state.journal


def test_what_a_task_wrote_is_noted_with_its_end() -> None:
    play = begin()
    play(CLIENT, submit(1))
    play(ENGINE_0, Output(task(1), 1, 1, 0, "hello"))
    play(ENGINE_0, finished(1))
    play(CLIENT, Delivered(1))

    [(_, _, output)] = ends(play)

    assert output is not None
    assert [piece.text for piece in output.pieces() if isinstance(piece, Output)] == ["hello"]


def test_earlier_attempts_are_noted_with_engine_host_and_how_they_ended() -> None:
    play = begin()
    play(ENGINE_1, EngineUp(instance_id(1), EngineInfo(host="two")))
    play(CLIENT, submit(1, options=Options(engines=(0,), retries=1)))
    play(ENGINE_0, finished(1, FAILED))
    play(ENGINE_0, Started(task(1), 2))
    play(ENGINE_0, Death("killed by SIGKILL"))
    play(ENGINE_0 + 10, EngineUp(instance_id(5), wanted_id=0))

    [(ended, kept, _)] = ends(play) or [(None, None, None)]
    if ended is None:
        play(ENGINE_0 + 10, finished(1, attempt=3))
        [(ended, kept, _)] = ends(play)

    assert kept is not None
    assert [(each.attempt, each.engine, each.host) for each in ended.tries] == [(1, 0, "one"), (2, 0, "one")]
    assert "ValueError: no" in ended.tries[0].words
    assert "killed by SIGKILL" in ended.tries[1].words


def test_tasks_that_end_together_are_all_noted() -> None:
    play = begin()
    for number in range(1, 5):
        play(CLIENT, submit(number, options=Options(engines=(7,))))
    play(CLIENT, Abort(tasks(1, 2, 3, 4)))

    noted = ends(play)

    assert sorted(ended.id for ended, _, _ in noted) == [task(number) for number in range(1, 5)]


def test_engines_keep_results_until_the_records_of_these_are_written() -> None:
    play = begin(early=True, limits=AT_ONCE)
    play(CLIENT, submit(1))
    play(ENGINE_0, finished(1))

    assert acknowledged(play(CLIENT, Delivered(1))) == []
    assert acknowledged(play(0, Committed(1))) == [Delivered(1)]


def test_a_record_that_is_written_before_its_client_has_the_result_makes_no_difference_to_it() -> None:
    play = begin(early=True, limits=AT_ONCE)
    play(CLIENT, submit(1))
    play(ENGINE_0, finished(1))

    assert acknowledged(play(0, Committed(1))) == []
    assert acknowledged(play(CLIENT, Delivered(1))) == [Delivered(1)]


def test_only_results_whose_records_are_written_are_acknowledged() -> None:
    play = begin(early=True, limits=AT_ONCE)
    for number in (1, 2, 3):
        play(CLIENT, submit(number))
        play(ENGINE_0, finished(number, at=number))
    play(CLIENT, Delivered(3))

    assert acknowledged(play(0, Committed(2))) == [Delivered(1), Delivered(2)]
    assert acknowledged(play(0, Committed(MOST))) == [Delivered(3)]


def test_receptions_and_starts_are_noted_for_stores_that_outlive_the_controller() -> None:
    play = begin(early=True)
    play(CLIENT, submit(1))
    play(ENGINE_0, Started(task(1), 1))
    play(ENGINE_0, finished(1))
    play(CLIENT, Delivered(1))
    journal = play.state.journal

    assert [each.id for each in journal.submitted] == [each.id for each in journal.started] == [task(1)]
    assert journal.received == [Reception(session_id(CLIENT), 1)]


def test_results_that_nobody_fetched_are_noted_when_they_are_dropped() -> None:
    play = begin(early=True, limits=Limits(linger=10))
    play(CLIENT, submit(1))
    play(ENGINE_0, finished(1))
    play(CLIENT, ClientGone())
    play.tick(11)

    assert play.state.journal.expired == [TaskRanges(session_id(CLIENT), ((1, 1),))]


def test_a_task_does_not_remember_more_attempts_than_a_bound() -> None:
    play = begin()
    play(CLIENT, submit(1, (0,), options=Options(retries=10_000)))
    for attempt in range(1, 300):
        play.quietly(ENGINE_0, Finished(attempt, TaskId(task(1)), attempt, FAILED))
    play(ENGINE_0, Finished(300, task(1), 300, OK))

    [(ended, _, _)] = ends(play)

    assert len(ended.tries) == 100
