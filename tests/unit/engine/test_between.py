"""What consoles have run goes between two tasks, never within one, and keeps none from running."""

from __future__ import annotations

import threading
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engineroom.engine.attempts import Attempt
from engineroom.engine.queue import TaskQueue
from engineroom.ids import TaskId
from engineroom.protocol.messages import Call, Kind, Run
from tests.patience import SECONDS


def attempt(number: int, *, direct: bool = False, within: bytes = b"") -> Attempt:
    task = TaskId(b"s" * 16 + number.to_bytes(8, "big"))
    return Attempt.of(Run(task, 1, Call(Kind.APPLY), direct=direct, within=within))


NOBODYS = attempt(0)


class Main:
    """What the main thread of an engine does with its queue."""

    def __init__(self) -> None:
        self.queue = TaskQueue()
        self.ran: list[Any] = []

    def between(self, name: str) -> None:
        self.queue.run_between(NOBODYS, lambda: self.ran.append(name))

    def run_all(self) -> None:
        while True:
            started = self.queue.start_next()
            if started is not None:
                self.ran.append(started.run.task)
                self.queue.finish()
            elif self.queue.between:
                self.queue.take_between()()
                assert self.queue.runs_between is NOBODYS
                self.queue.end_between()
            else:
                return


def test_it_goes_ahead_of_tasks_that_wait() -> None:
    main = Main()
    main.queue.add([attempt(1), attempt(2)])
    main.between("console")
    main.run_all()
    assert main.ran == ["console", attempt(1).run.task, attempt(2).run.task]


def test_it_wakes_the_main_thread_also_while_nothing_may_start() -> None:
    main = Main()
    main.queue.hold(True, "link")
    woken: list[bool] = []
    thread = threading.Thread(target=lambda: woken.append(main.queue.wait()))
    thread.start()
    main.between("console")
    thread.join(SECONDS)
    assert woken == [True]
    main.queue.add([attempt(1)])
    main.run_all()
    assert main.ran == ["console"]
    main.queue.hold(False, "link")
    main.run_all()
    assert main.ran == ["console", attempt(1).run.task]


def test_what_a_waiting_task_waits_for_still_runs() -> None:
    main = Main()
    top = attempt(1)
    main.queue.add([top])
    assert main.queue.start_next() is top
    main.queue.add([attempt(2, direct=True, within=top.run.task)])
    main.between("console")
    child = main.queue.start_within(top.run.task)
    assert child is not None
    assert child.run.task == attempt(2).run.task


@given(st.lists(st.sampled_from(["task", "console", "hold", "go on", "run"])))
def test_everything_runs_once_in_any_order(steps: list[str]) -> None:
    main, wanted = Main(), 0
    for number, step in enumerate(steps, 1):
        match step:
            case "task":
                main.queue.add([attempt(number)])
            case "console":
                main.between(str(number))
            case "run":
                main.run_all()
            case _:
                main.queue.hold(step == "hold", "full")
        wanted += step in {"task", "console"}
    main.queue.hold(False, "full")
    main.run_all()
    assert len(main.ran) == len(set(main.ran)) == wanted
    assert not main.queue.busy
