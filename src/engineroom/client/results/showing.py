"""Showing the progress of tasks, and their output."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from engineroom.client.arguments import given_numbers
from engineroom.client.waiting.live_line import LiveLine
from engineroom.client.waiting.waits import Deadline

if TYPE_CHECKING:
    from engineroom.client.results.metadata import Metadata

_SHORTEST = 0.01
_STREAMS = ("stdout", "stderr")


class InProgress(Protocol):
    """Something with tasks that can be waited for, such as an AsyncResult."""

    @property
    def progress(self) -> int:
        """How many of them have ended."""

    def __len__(self) -> int: ...

    def wait(self, timeout: float | None = -1) -> bool:
        """Wait at most `timeout` seconds; True if all have ended."""


class Waited(Protocol):
    """Tasks that can be waited for until something is true of them."""

    @property
    def progress(self) -> int: ...
    def __len__(self) -> int: ...
    def _wait(self, condition: Callable[[], object], timeout: float | None) -> bool: ...


class UntilThen:
    """Tasks that are waited for until `condition()` is true, and no longer."""

    def __init__(self, result: Waited, condition: Callable[[], object]) -> None:
        self._result, self._condition = result, condition

    @property
    def progress(self) -> int:
        return self._result.progress

    def __len__(self) -> int:
        return len(self._result)

    def wait(self, timeout: float | None = -1) -> bool:
        return self._result._wait(self._condition, timeout)


def wait_and_show(results: Sequence[InProgress], interval: float, timeout: float | None) -> bool:
    """Wait for `results`, at most `timeout` seconds (None: no limit); True if they ended in time."""
    interval = max(_SHORTEST, given_numbers.seconds("interval", interval))
    line, deadline, start = LiveLine(sys.stderr), Deadline(timeout), time.monotonic()
    total = sum(len(result) for result in results)
    try:
        for result in results:
            while not result.wait(_shorter(interval, deadline.left())):
                done = sum(each.progress for each in results)
                line.show(f"{done} of {total} tasks done after {time.monotonic() - start:.0f} s")
                if deadline.left() == 0:
                    return False
    finally:
        line.end()
    return True


def _shorter(interval: float, left: float | None) -> float:
    return interval if left is None else min(interval, left)


def check_groupby(groupby: str) -> None:
    """Raise ValueError if it is not a way to group outputs."""
    if groupby not in {"type", "engine", "order"}:
        raise ValueError(f"groupby must be 'type', 'engine' or 'order', not {groupby!r}")


def show_outputs(tasks: Sequence[Metadata], groupby: str, *, result_only: bool) -> None:
    """Print what `tasks` printed, show their displays and the values of cells; see `AsyncResult.display_outputs`."""
    streams = () if result_only else _STREAMS
    shows: list[Callable[[Metadata], None]] = [partial(_show_text, name) for name in streams]
    if not result_only:
        shows.append(_show_displays)
    shows.append(_show_value)
    pairs = [(task, show) for show in shows for task in tasks]
    if groupby != "type":
        pairs = [(task, show) for task in tasks for show in shows]
    for task, show in pairs:
        show(task)


def _show_text(name: str, task: Metadata) -> None:
    text: str = task[name]
    if text:
        stream = sys.stdout if name == "stdout" else sys.stderr
        between, end = "\n" if "\n" in text[:-1] else " ", "" if text.endswith("\n") else "\n"
        stream.write(f"[{name}:{task.engine_id}]{between}{text}{end}")


def _show_displays(task: Metadata) -> None:
    ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    for each in task.outputs:
        if each["output_type"] != "display_data":
            continue  # values have their own place, and errors are raised
        if ipython is not None:
            ipython.display_pub.publish(each["data"], each["metadata"])
        elif plain := each["data"].get("text/plain"):
            print(f"[display:{task.engine_id}] {plain}")


def _show_value(task: Metadata) -> None:
    value: Any = task.execute_result
    if value is None or not value.data:
        return
    if "IPython" in sys.modules:
        from IPython.display import display  # it is there, and knows how to show rich values

        display(value)  # type: ignore[no-untyped-call]
    else:
        print(f"Out[{task.engine_id}:{value.execution_count}]: {value.text}")
