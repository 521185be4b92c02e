"""Signal handlers and finalizers use the client, or raise, wherever they interrupt a thread."""

from __future__ import annotations

import dis
import gc
import itertools
import signal
import threading
import weakref
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

from engineroom.client.client import Client
from engineroom.client.connection.session import Session
from engineroom.client.state.outgoing import Outgoing
from engineroom.errors import ConnectionFailed
from engineroom.ids import TaskId, number_of
from engineroom.protocol.messages import Abort, Submit
from tests.conftest import wait_until
from tests.examples import stride
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController, connected, tasks_of
from tests.unit.client.steps import Interrupted, at_step, interrupt, steps_in

CALLS: dict[str, Callable[[Client], Any]] = {
    "balanced": lambda rc: rc.load_balanced_view().apply_async(abs, -1),
    "an engine": lambda rc: rc[0].apply_async(abs, -1),
    "engines": lambda rc: rc[:].apply_async(abs, -1),
    "large": lambda rc: rc.load_balanced_view().apply_async(len, b"x" * 100_000),
    "an executor": lambda rc: rc.executor.submit(abs, -1),
    "push": lambda rc: rc[:].push({"a": 1}),
}


def submitted(fake: FakeController) -> set[int]:
    return {number_of(task) for message in fake.heard_of(Submit) for task in tasks_of(message)}


def withdrawn(messages: list[Any]) -> set[TaskId]:
    return {task for message in messages if type(message) is Abort for task in message.tasks.tasks()}


@pytest.mark.parametrize(
    ("name", "busy"), [("balanced", False), ("balanced", True), ("engines", False), ("large", True)]
)
def test_an_exception_at_any_step_leaves_a_task_that_is_sent_or_none(
    rc: Client, session: Session, fake: FakeController, name: str, busy: bool
) -> None:
    call, held = CALLS[name], None
    call(rc)  # what is imported and packed once
    assert rc.wait(timeout=SECONDS)
    if busy:
        fake.holding = True
        held = rc.load_balanced_view().apply_async(abs, -7)
        assert wait_until(lambda: fake.held)
        fake.holding = False
    for step in range(1, steps_in(lambda: call(rc)) + 1, stride()):
        try:
            with at_step(step, interrupt):
                call(rc)
        except Interrupted:
            left = set(session.tasks)
            assert wait_until(lambda left=left: left <= submitted(fake)), step
        assert rc.load_balanced_view().apply_sync(abs, -step) == step
    if held is not None:
        fake.answer()
        assert held.get(SECONDS) == 7
    assert rc.wait(timeout=SECONDS), "a task never ends"
    assert [number_of(message.task) for message in fake.heard_of(Submit)] == sorted(
        number_of(message.task) for message in fake.heard_of(Submit)
    )


@pytest.mark.parametrize("name", ["balanced", "engines"])
def test_what_was_sent_by_an_interrupted_call_is_withdrawn(rc: Client, fake: FakeController, name: str) -> None:
    call = CALLS[name]
    call(rc)
    assert rc.wait(timeout=SECONDS)
    fake.holding = True
    story = []
    for step in itertools.count(1, stride()):
        before, aborts = len(submitted(fake)), len(fake.heard_of(Abort))
        try:
            with at_step(step, interrupt):
                call(rc)
            break
        except Interrupted:
            rc.queue_status()  # its answer comes after all that was sent before
        sent = len(submitted(fake)) - before
        aborted = withdrawn(fake.heard_of(Abort)[aborts:])
        story.append("kept" if len(aborted) < sent else "withdrawn" if sent else "not sent")
    kept = story.index("kept")  # the submission was over, and its caller was interrupted
    assert set(story[:kept]) == {"not sent", "withdrawn"}
    assert set(story[kept:]) == {"kept"}
    rc.queue_status()
    fake.answer(len(fake.held))
    assert rc.wait(timeout=SECONDS)


SYNC: dict[str, Callable[[Client], Any]] = {
    "apply_sync": lambda rc: rc[:].apply_sync(abs, -1),
    "map_sync": lambda rc: rc.load_balanced_view().map_sync(abs, [-1, -2], chunksize=1),
    "scatter": lambda rc: rc[:].scatter("a", [1, 2], block=True),
    "apply with block": lambda rc: rc.load_balanced_view().with_flags().set_flags(block=True).apply(abs, -1),
}


@pytest.mark.parametrize("name", SYNC)
def test_ctrl_c_anywhere_in_a_call_that_waits_withdraws_all_of_it(rc: Client, fake: FakeController, name: str) -> None:
    call = SYNC[name]
    call(rc)

    def ctrl_c() -> None:
        raise KeyboardInterrupt

    steps = steps_in(lambda: call(rc), only_after_calls=True)
    for step in range(1, steps + 1, stride() if name == "apply_sync" else 5):
        rc.queue_status()  # its answer comes after all that was sent before
        heard = len(fake.heard)
        fake.holding = True
        answered = threading.Event()
        answer = threading.Timer(0.02, lambda answered=answered: (answered.set(), fake.do(fake.go_on)))
        answer.start()
        try:
            with at_step(step, ctrl_c, only_after_calls=True):
                call(rc)
        except KeyboardInterrupt:
            waits = not answered.is_set()
            rc.queue_status()
            new = fake.heard[heard:]
            aborted = withdrawn(new)
            sent = {task for message in new if type(message) is Submit for task in tasks_of(message)}
            assert sent == aborted or not waits, step
        answer.join()
        assert rc.wait(timeout=SECONDS), step


def test_a_handler_may_submit_wherever_it_interrupts_a_submission(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()
    made: list[Any] = []

    def submit() -> None:
        made.append(view.apply_async(abs, -2))
        made.append(rc[:].apply_async(abs, -3))
        made.append(rc.executor.submit(abs, -4))

    for name, call in CALLS.items():
        call(rc)
        for step in range(1, steps_in(partial(call, rc), only_after_calls=True) + 1, stride()):
            made.clear()
            with at_step(step, submit, only_after_calls=True):
                outer = call(rc)
            outer.get(SECONDS)
            assert [future.result(SECONDS) for future in made] in ([2, [3, 3], 4], []), (name, step)  # or no such step
    numbers = [number_of(message.task) for message in fake.heard_of(Submit)]
    assert numbers == sorted(numbers)


def test_a_handler_may_wait_wherever_it_interrupts_a_call(rc: Client) -> None:
    view = rc.load_balanced_view()
    ready = view.apply_async(abs, -5)
    assert ready.get(SECONDS) == 5
    found: list[Any] = []

    def use() -> None:
        found.append((ready.get(), view.apply_sync(abs, -2), rc[:].map_sync(abs, [-1, -2]), rc.wait(timeout=SECONDS)))

    uses = {**CALLS, "wait": lambda rc: rc.load_balanced_view().apply_async(abs, -1).get(SECONDS)}
    uses["callback"] = lambda rc: rc[0].apply_async(abs, -1).add_done_callback(lambda _: None)
    for name, call in uses.items():
        call(rc)
        for step in range(1, steps_in(partial(call, rc), only_after_calls=True) + 1, stride()):
            found.clear()
            with at_step(step, use, only_after_calls=True):
                call(rc)
            assert all(each == (5, 2, [1, 2], True) for each in found), (name, step)
    assert rc.wait(timeout=SECONDS)


@pytest.mark.parametrize("name", CALLS)
def test_a_handler_may_close_the_client_wherever_it_interrupts_a_call(fake: FakeController, name: str) -> None:
    with connected(fake) as rc:
        steps = steps_in(lambda: CALLS[name](rc), only_after_calls=True)
    for step in range(1, steps + 1, 9):
        rc = connected(fake)
        try:
            with at_step(step, rc.close, only_after_calls=True):
                future = CALLS[name](rc)
            future.result(SECONDS)  # it was sent and answered before the client had closed
        except ConnectionFailed:
            pass
        rc.close()
        assert repr(rc) == "<Client: closed>"


def test_nothing_is_called_while_tasks_are_entered() -> None:
    for function in (Outgoing.enter, Outgoing._enter_all):
        names = [instruction.opname for instruction in dis.get_instructions(function)]
        values = [instruction.argval for instruction in dis.get_instructions(function)]
        start = values.index("_awake")
        end = len(values) - 1 - values[::-1].index("append")
        assert not set(names[start:end]) & {"CALL", "CALL_FUNCTION_EX", "CALL_KW", "JUMP_BACKWARD", "SEND"}


def test_a_timers_handler_submits_while_the_main_thread_does(rc: Client, fake: FakeController) -> None:
    view, from_handler, numbers = rc.load_balanced_view(), {}, itertools.count()

    def handler(number: int, frame: FrameType | None) -> None:
        del number, frame
        mine = next(numbers)  # another may come while this one submits
        from_handler[mine] = view.apply_async(abs, -mine)

    before = signal.signal(signal.SIGPROF, handler)  # in time of this process, however busy the machine is
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    try:
        results = [view.apply_async(abs, -number) for number in range(3000)]
        values = [result.get(SECONDS) for result in results]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    assert values == list(range(3000))
    assert all(result.get(SECONDS) == mine for mine, result in from_handler.items())
    assert len(from_handler) > 10
    assert rc.wait(timeout=SECONDS)
    assert len(submitted(fake)) == 3000 + len(from_handler)


def test_finalizers_submit_wherever_the_garbage_collector_runs(rc: Client, fake: FakeController) -> None:
    view, made = rc.load_balanced_view(), []

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            made.append(view.apply_async(abs, -3))

    references: list[Any] = []

    def gone(reference: object) -> None:
        del reference
        made.append(rc[:].apply_async(abs, -3))

    before = gc.get_threshold()
    gc.set_threshold(7, 2, 2)
    try:
        results = []
        for number in range(2000):
            cycle = Cycle()
            if number % 2:
                references.append(weakref.ref(cycle, gone))
            del cycle
            results.append(view.apply_async(abs, -number))
        values = [result.get(SECONDS) for result in results]
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert values == list(range(2000))
    assert rc.wait(timeout=SECONDS)
    assert {str(future.get(SECONDS)) for future in made} == {"3", "[3, 3]"}
    assert len(made) == 3000


def test_finalizers_in_the_thread_that_receives_submit_and_read_and_close(fake: FakeController) -> None:
    rc = connected(fake)
    view = rc.load_balanced_view()
    ready = view.apply_async(abs, -4)
    assert ready.get(SECONDS) == 4
    done: list[Any] = []

    def finalize() -> None:
        done.append(ready.get())
        done.append(view.apply_async(abs, -3))
        with pytest.raises(RuntimeError, match="I/O thread"):
            view.apply_sync(abs, -3)
        done.append(rc)

    fake.do(finalize)
    assert wait_until(lambda: len(done) == 3)
    assert done[1].get(SECONDS) == 3
    threads = {thread for thread in threading.enumerate() if thread.name.startswith("engineroom")}
    fake.do(rc.close)
    assert wait_until(lambda: not any(thread.is_alive() for thread in threads))
    with pytest.raises(ConnectionFailed):
        view.apply_async(abs, 1)
