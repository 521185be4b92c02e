"""Showing the output of tasks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engineroom.client.results.metadata import Metadata

_STREAMS = ("stdout", "stderr")


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
