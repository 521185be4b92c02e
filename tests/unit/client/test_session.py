"""The session: what is acknowledged, sent again, and what happens when the controller goes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from typing import Any

import pytest

import engineroom as er
from engineroom.client.client import Client, client_of
from engineroom.client.connection.session import Session
from engineroom.errors import ControllerLost
from engineroom.ids import SessionId, number_of, task_id
from engineroom.protocol.messages import (
    Delivered,
    Ended,
    EngineInfo,
    EngineLeft,
    Function,
    NeedFunction,
    Outcome,
    Output,
    Refused,
    Status,
    Submit,
    SubmitAgain,
    TasksStarted,
)
from engineroom.protocol.questions import KnownStep
from engineroom.protocol.task_ranges import one_task, task_pieces
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController, connected, started


def test_results_are_acknowledged_in_batches(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()
    fake.holding = True
    results = [view.apply_async(abs, -1) for _ in range(5)]
    fake.answer(5)  # in one turn of the loop
    assert [result.get(SECONDS) for result in results] == [1] * 5
    assert wait_until(lambda: fake.delivered() == {1, 2, 3, 4, 5})
    assert len(fake.heard_of(Delivered)) < 5


def test_what_is_asked_counts_what_has_been_received(rc: Client, fake: FakeController) -> None:
    rc.load_balanced_view().apply_sync(abs, -1)
    rc.queue_status()
    assert fake.delivered() == {1}


def test_an_unfinished_task_holds_up_no_acknowledgement(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()
    fake.holding = True
    view.apply_async(abs, 1)
    assert wait_until(lambda: fake.held)
    fake.holding = False
    view.apply_sync(abs, 2)
    assert wait_until(lambda: fake.delivered() == {2})


def test_a_cut_shorter_than_the_timeout_loses_nothing(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()
    fake.holding = True
    small, large = view.apply_async(abs, -1), view.apply_async(len, b"x" * 200_000)
    assert wait_until(lambda: len(fake.held) == 2)
    fake.held.clear()
    fake.holding = False
    fake.do(fake.cut)
    assert [small.get(SECONDS), large.get(SECONDS)] == [1, 200_000]
    assert [join.epoch for join in fake.joins] == [b"", fake.epoch]


def test_what_did_not_arrive_is_submitted_again_as_the_same_tasks(
    rc: Client, session: Session, fake: FakeController
) -> None:
    fake.holding = True
    data = b"x" * 200_000
    view = rc.load_balanced_view()
    balanced, direct = view.apply_async(len, data), rc[:].apply_async(len, data)
    assert wait_until(lambda: len(fake.held) == 2)
    ids = [balanced.msg_ids, direct.msg_ids]
    history, outstanding = rc.history, rc.outstanding
    fake.held.clear()
    for asked in ([1], [2, 3]):
        fake.do(fake.send, SubmitAgain(*task_pieces(session.id, asked)))
    assert wait_until(lambda: len(fake.held) == 2)
    assert not rc.wait(timeout=0)
    assert [balanced.msg_ids, direct.msg_ids] == ids
    assert (rc.history, rc.outstanding) == (history, outstanding)
    assert view.outstanding == set(ids[0])
    fake.answer(2)
    assert rc.wait(timeout=SECONDS)
    assert balanced.get(0) == 200_000
    assert direct.get(0) == [200_000, 200_000]
    assert direct.engine_id == [0, 1]
    heard = [submit.task for submit in fake.heard_of(Submit)]
    assert heard[2:] == heard[:2]
    assert wait_until(lambda: fake.delivered() == {1, 2, 3})


def test_what_has_ended_is_not_submitted_again(rc: Client, session: Session, fake: FakeController) -> None:
    result = rc.load_balanced_view().apply_async(abs, -1)
    assert result.get(SECONDS) == 1
    fake.do(fake.send, SubmitAgain(*task_pieces(session.id, [1, 10**6])))
    assert rc.load_balanced_view().apply_sync(abs, -2) == 2
    assert len(fake.heard_of(Submit)) == 2


def test_the_tasks_of_another_session_are_not_taken_for_ones_own(rc: Client, fake: FakeController) -> None:
    """They may have the same numbers."""
    fake.holding = True
    mine = rc.load_balanced_view().apply_async(abs, -1)
    assert wait_until(lambda: fake.held)
    other = SessionId(bytes(16))
    theirs = task_id(other, 1)
    ended = Outcome(Status.LOST, 0.0, 0.0, "of another client")
    fake.do(fake.result, theirs, ended)
    fake.do(fake.result, theirs, Outcome(Status.OK, 0.0, 0.0), [memoryview(bytes(100_000))])
    fake.do(fake.send, Ended(*task_pieces(other, [1]), ended))
    fake.do(fake.send, TasksStarted(0, *task_pieces(other, [1])))
    fake.do(fake.send, SubmitAgain(*task_pieces(other, [1])))
    fake.do(fake.send, Output(theirs, 1, 1, 0, "of another client"))
    fake.answer()
    assert mine.get(SECONDS) == 1
    assert mine.stdout == ""
    assert wait_until(lambda: fake.delivered() == {1})
    assert len(fake.heard_of(Submit)) == 1


def test_what_the_controller_has_is_not_sent_again(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc.load_balanced_view().apply_async(abs, -1)
    assert wait_until(lambda: fake.held)
    fake.known_up_to = 1
    fake.do(fake.cut)
    assert wait_until(lambda: len(fake.joins) == 2)
    fake.answer()
    assert result.get(SECONDS) == 1
    assert len(fake.heard_of(Submit)) == 1


def test_results_that_come_twice_count_once_and_are_acknowledged_again(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()
    fake.holding = True
    result = view.apply_async(abs, -1)
    assert wait_until(lambda: fake.held)
    twice = list(fake.held)
    fake.answer()
    assert result.get(SECONDS) == 1
    assert wait_until(lambda: len(fake.heard_of(Delivered)) == 1)
    fake.held = twice
    fake.answer()
    assert wait_until(lambda: len(fake.heard_of(Delivered)) == 2)
    assert fake.delivered() == {1}


def test_every_waiting_future_fails_when_the_controller_stays_away(fake: FakeController) -> None:
    fake.holding = True
    with connected(fake, reconnect_timeout=0.2) as rc:
        waiting, several = rc.load_balanced_view().apply_async(abs, 1), rc[:].apply_async(abs, 1)
        assert wait_until(lambda: len(fake.held) == 2)
        fake.reachable = False
        fake.do(fake.cut)
        with pytest.raises(ControllerLost, match=r"could not reconnect within 0.2 s: .*turned off"):
            waiting.get(SECONDS)
        with pytest.raises(ControllerLost):
            several.get(SECONDS)
        with pytest.raises(ControllerLost):
            rc[0].apply_async(abs, 1)
        with pytest.raises(ControllerLost):
            rc.queue_status()


def test_a_controller_that_was_stopped_says_so_at_once(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    waiting = rc.load_balanced_view().apply_async(abs, 1)
    fake.do(fake.send, Refused("the cluster was stopped"))
    with pytest.raises(ControllerLost, match="the cluster was stopped"):
        waiting.get(SECONDS)


def test_closing_fails_what_waits_and_ends_all_threads(fake: FakeController) -> None:
    fake.holding = True
    rc = connected(fake)
    waiting = rc.load_balanced_view().apply_async(abs, 1)
    rc.close()
    with pytest.raises(er.ConnectionFailed, match="the client was closed"):
        waiting.get()
    rc.close()
    assert wait_until(lambda: fake.heard_of(Submit)), "what was submitted is sent before the goodbye"


def test_a_function_travels_once_and_again_when_asked_for(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()

    def add(x: int) -> int:
        return x + 1

    assert [view.apply_sync(add, number) for number in range(3)] == [1, 2, 3]
    assert len(_functions(fake)) == 1
    fake.do(fake.forget_functions)
    fake.holding = True
    result = view.apply_async(add, 5)
    assert wait_until(lambda: len(_functions(fake)) == 2)
    fake.answer()
    assert result.get(SECONDS) == 6
    fake.do(fake.send, NeedFunction(b"?" * 16))
    assert rc.queue_status() is not None


def _functions(fake: FakeController) -> list[Function]:
    """Return the functions that have come, without their parts."""
    return [message for message in fake.heard_of(Function) if message.parts is not None]


def test_long_functions_and_results_travel_as_streams(rc: Client) -> None:
    constant = bytes(200_000)
    assert len(rc[0].apply_sync(lambda: constant + constant)) == 400_000


def test_output_of_the_last_attempt_is_collected_in_order(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc.load_balanced_view().apply_async(abs, -1)
    assert wait_until(lambda: fake.held)
    task = fake.held[0][0].task
    for output in (
        Output(task, 1, 1, 0, "lost"),
        Output(task, 2, 1, 0, "a"),
        Output(task, 1, 1, 1, "late"),
        Output(task, 2, 2, 1, "oops"),
        Output(task, 2, 1, 2, "b"),
        Output(task, 2, 1, 2, "b"),
    ):
        fake.do(fake.send, output)
    assert wait_until(lambda: result.stderr == "oops" and result.stdout == "ab")
    fake.do(fake.send, TasksStarted(1, one_task(task)))
    assert wait_until(result.running)
    assert not result.cancel()
    assert result.engine_id == 1
    fake.answer()
    assert result.get(SECONDS) == 1
    assert result.stdout == "ab"


def test_engines_come_and_go(rc: Client, fake: FakeController) -> None:
    fake.do(fake.join, 5)
    rc.wait_for_engines(3, timeout=SECONDS)
    assert rc.ids == [0, 1, 5]
    fake.do(fake.leave, 5, "killed by SIGKILL")
    assert wait_until(lambda: rc.ids == [0, 1])
    fake.do(fake.send, EngineLeft(0, b"x" * 16, "an earlier life"))  # type: ignore[arg-type]
    rc.queue_status()
    assert rc.ids == [0, 1]


def test_engines_that_left_during_a_cut_are_gone(rc: Client, fake: FakeController) -> None:
    fake.engines = [1, 2]
    fake.do(fake.cut)
    assert wait_until(lambda: rc.ids == [1, 2])


def test_waiting_for_engines_says_how_many_came_and_why_not_more(rc: Client, fake: FakeController) -> None:
    fake.info = EngineInfo(problem="ImportError: no module named x")
    fake.do(fake.join, 2)
    with pytest.raises(TimeoutError, match=r"(?s)3 of 4 engines .* engine 2: ImportError"):
        rc.wait_for_engines(4, timeout=0.1)
    future = rc.wait_for_engines(4, timeout=SECONDS, block=False)
    fake.do(fake.leave, 0, "exit code 3")
    with pytest.raises(er.EngineError, match="exit code 3"):
        future.result(SECONDS)


def test_waiting_for_engines_shows_what_the_start_waits_for_and_says_what_failed(
    fake: FakeController, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.steps = [
        KnownStep(1.0, "engine set 1", "submitted"),
        KnownStep(2.0, "engine set 1", "queued", words="Slurm: Resources"),
    ]
    with connected(fake, patience=0.1) as rc:
        waiting = rc.wait_for_engines(4, interactive=True, block=False)
        shown: list[str] = []

        def show() -> str:
            shown.append(capsys.readouterr().err)
            return "".join(shown)

        assert wait_until(lambda: "s: engine set 1: queued (Slurm: Resources)" in show())
        with pytest.raises(
            TimeoutError, match=r"(?s)2 of 4 engines .*\nwhy: engine set 1: queued \(Slurm: Resources\)$"
        ):
            rc.wait_for_engines(4, timeout=0.1)
        fake.steps.append(KnownStep(3.0, "engine set 1", "ended", ok=False, words="job 7 hit its time limit"))
        with pytest.raises(
            TimeoutError, match=r"(?s)\nwhy: engine set 1: job 7 hit its time limit.*\nfix: .*timelimit"
        ):
            rc.wait_for_engines(4, timeout=0.1)
        fake.do(fake.leave, 0, "exit code 3")
        with pytest.raises(er.EngineError):
            waiting.result(SECONDS)


def test_submitting_waits_while_too_much_is_under_way(fake: FakeController) -> None:
    fake.holding = True
    session = started(fake, max_unfinished_bytes=100_000)
    with client_of(session) as rc:
        view = rc.load_balanced_view()
        first = view.apply_async(len, b"x" * 90_000)
        results: list[Any] = []
        submitter = threading.Thread(target=lambda: results.append(view.apply_async(len, b"y" * 90_000)))
        submitter.start()
        assert wait_until(lambda: fake.held)
        assert not results
        blocked: list[BaseException] = []

        def try_from_callback(_: object) -> None:
            try:
                view.apply_async(len, b"z" * 90_000)
            except BufferError as error:
                blocked.append(error)

        session.callbacks.call(lambda: try_from_callback(None))
        assert wait_until(lambda: blocked)
        fake.answer()
        assert first.get(SECONDS) == 90_000
        submitter.join(SECONDS)
        assert wait_until(lambda: fake.held)
        fake.answer()
        assert results[0].get(SECONDS) == 90_000


def _use(rc: Client, result: er.AsyncResult, said: Any) -> None:
    for act in (lambda: rc[0].apply_async(abs, 1), result.get, rc.queue_status):
        try:
            act()
        except er.ConnectionFailed as error:
            said.put(str(error))
    rc.close()
    said.put("closed")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_is_told_to_make_its_own_client(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc[0].apply_async(abs, -1)
    context = multiprocessing.get_context("fork")
    said = context.SimpleQueue()
    child = context.Process(target=_use, args=(rc, result, said))
    child.start()
    words = [said.get() for _ in range(4)]
    child.join()
    said.close()
    assert all("is a fork" in text for text in words[:3])
    fake.holding = False
    fake.answer()
    assert result.get(SECONDS) == 1


def test_tasks_are_numbered_in_order_from_many_threads(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()
    results: list[er.AsyncResult] = []

    def submit() -> None:
        for _ in range(100):
            results.append(view.apply_async(abs, -1))  # noqa: PERF401 (many threads append)

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.get(SECONDS) for result in results] == [1] * 400
    numbers = [number_of(submit.task) for submit in fake.heard_of(Submit)]
    assert numbers == sorted(numbers) == list(range(1, 401))
