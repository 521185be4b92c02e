"""What tasks write comes to the thread that watches them, piece by piece and in order."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom.client.client import Client
from engineroom.client.connection.session import Session
from engineroom.client.state.watchers import Kind, Piece
from engineroom.ids import number_in
from engineroom.protocol.messages import Displays, Outcome, Output, Status, TasksStarted
from engineroom.protocol.task_ranges import one_task
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController
from tests.unit.client.speaking import Speaking


@pytest.fixture
def speaking(fake: FakeController, rc: Client, session: Session) -> Speaking:
    return Speaking(fake, rc, session)


def short(pieces: list[Piece]) -> list[tuple[int, str, Any]]:
    return [(piece.engine, piece.kind.value, piece.content) for piece in pieces]


def test_what_arrived_before_comes_first_and_what_arrives_later_follows(speaking: Speaking) -> None:
    speaking.text(0, "early\n")
    speaking.has_heard(0, "early")
    with speaking.session.watch(speaking.tasks) as pieces:
        taken = []
        for piece in pieces.until(timeout=SECONDS):
            taken.append(piece)
            if len(taken) == 1:
                speaking.text(1, "later\n")
                speaking.text(0, "oops\n", 2)
            if len(taken) == 3:
                speaking.end()
    assert short(taken) == [(0, "stdout", "early\n"), (1, "stdout", "later\n"), (0, "stderr", "oops\n")]
    assert pieces.ended or not pieces._tasks
    assert speaking.result.get(SECONDS) == ["1", "1"]


def test_displays_come_as_jupyter_has_them(speaking: Speaking) -> None:
    shown: dict[str, Any] = {"data": {"text/plain": "x"}, "metadata": {}, "transient": {"display_id": "d"}}
    with speaking.session.watch(speaking.tasks) as pieces:
        speaking.show(0, Displays.SHOW, **shown)
        speaking.show(0, Displays.UPDATE, **shown)
        speaking.show(0, Displays.CLEAR, wait=True)
        speaking.show(0, Displays.RESULT, execution_count=3, **shown)
        speaking.show(0, Displays.ERROR, ename="E", evalue="v", traceback=["a", "b"])
        speaking.show(0, Displays.COMM_OPEN, comm_id="not for the eye")
        speaking.end()
        taken = short(list(pieces.until(timeout=SECONDS)))
    shown["transient"] = {"display_id": f"{bytes(8).hex()}-d"}
    assert taken == [
        (0, "display_data", shown),
        (0, "update_display_data", shown),
        (0, "clear_output", {"wait": True}),
        (0, "execute_result", shown | {"execution_count": 3}),
        (0, "error", {"ename": "E", "evalue": "v", "traceback": ["a", "b"]}),
    ]


def test_a_task_that_starts_again_says_so_and_what_is_sent_twice_comes_once(speaking: Speaking) -> None:
    with speaking.session.watch(speaking.tasks) as pieces:
        speaking.text(0, "first ")
        speaking.say(Output(speaking.tasks[0].id(speaking.session.id), 1, 1, 0, "first "))
        speaking.attempt, speaking.seq = 2, [0, 0]
        speaking.text(0, "second")
        speaking.say(Output(speaking.tasks[0].id(speaking.session.id), 1, 1, 1, "late"))
        speaking.end()
        taken = short(list(pieces.until(timeout=SECONDS)))
    assert taken == [(0, "stdout", "first "), (0, "again", None), (0, "stdout", "second")]


def test_a_watch_outlives_a_connection(speaking: Speaking) -> None:
    fake = speaking.fake
    with speaking.session.watch(speaking.tasks) as pieces:
        speaking.text(0, "a")
        incoming = pieces.until(timeout=SECONDS)
        assert next(incoming).content == "a"
        fake.do(fake.cut)
        assert wait_until(lambda: len(fake.joins) == 2)
        speaking.say(Output(speaking.tasks[0].id(speaking.session.id), 1, 1, 0, "a"))
        speaking.text(0, "b")
        assert next(incoming).content == "b"
        speaking.end()
        assert list(incoming) == []


def test_a_watch_ends_when_asked_or_in_time_and_loses_nothing(speaking: Speaking) -> None:
    with speaking.session.watch(speaking.tasks) as pieces:
        assert list(pieces.until(timeout=0)) == []
        speaking.text(0, "a")
        assert [piece.content for piece in pieces.until(lambda: speaking.tasks[0].output.size)] == ["a"]  # type: ignore[union-attr]
        speaking.text(1, "b")
        speaking.has_heard(1, "b")
    speaking.text(1, "c")
    speaking.has_heard(1, "bc")
    assert [piece.content for piece in pieces.ready()] == ["b"]
    assert not [task for task in speaking.tasks if task.output is not None and task.output._watchers]


def test_two_watch_the_same_tasks(speaking: Speaking) -> None:
    with speaking.session.watch(speaking.tasks) as one, speaking.session.watch(speaking.tasks[:1]) as other:
        speaking.text(0, "a")
        speaking.text(1, "b")
        speaking.end()
        assert [piece.content for piece in one.until(timeout=SECONDS)] == ["a", "b"]
        assert [piece.content for piece in other.until(timeout=SECONDS)] == ["a"]


def test_a_watch_ends_with_the_session(speaking: Speaking, rc: Client) -> None:
    with speaking.session.watch(speaking.tasks) as pieces:
        speaking.text(0, "a")
        incoming = pieces.until()
        assert next(incoming).content == "a"
        rc.close(linger=0)
        assert list(incoming) == []


def test_tasks_that_print_nothing_are_remembered_as_any_others(speaking: Speaking) -> None:
    with speaking.session.watch(speaking.tasks) as pieces:
        speaking.end()
        assert list(pieces.until(timeout=SECONDS)) == []
    assert not speaking.session.recent._copied


def test_a_piece_names_the_engine_as_soon_as_it_is_known(fake: FakeController, rc: Client, session: Session) -> None:
    fake.holding = True
    result = rc.load_balanced_view().apply_async(str, 1)
    [task] = result._tasks
    assert wait_until(lambda: fake._whole() == 1)
    name = task.id(session.id)
    with session.watch([task]) as pieces:
        fake.do(fake.send, Output(name, 1, 1, 0, "a"))
        fake.do(fake.send, TasksStarted(1, one_task(name)))
        fake.do(fake.send, Output(name, 1, 1, 1, "b"))
        fake.do(fake.send, TasksStarted(0, one_task(name)))
        fake.do(fake.send, Output(name, 2, 1, 0, "c"))
        fake.do(fake.result, name, Outcome(Status.ABORTED, 0.0, 0.0))
        taken = list(pieces.until(timeout=SECONDS))
    assert number_in(session.id, name) == task.number
    assert [piece.kind for piece in taken] == [Kind.STDOUT, Kind.STDOUT, Kind.AGAIN, Kind.STDOUT]
    assert task.engine == 0
