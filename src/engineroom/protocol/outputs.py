"""Messages about what a task writes and displays."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from engineroom.protocol.calls import Header
from engineroom.protocol.ranges import DisplayJSON, Number, Ordinal, OutputStream, OutputText, TaskId


class Output(Header, frozen=True, tag="output"):
    """Text that a task wrote; also engine to controller. `stream`: 1 stdout, 2 stderr. `seq` counts what an attempt
    writes and displays, from 0. All of it comes before the attempt's end."""

    task: TaskId
    attempt: Ordinal
    stream: OutputStream
    seq: Number
    text: OutputText


class Displays(IntEnum):
    """What a Display does. Its content, in JSON, is that of Jupyter's message of the same purpose."""

    SHOW = 1
    """Show an object: `data` and `metadata` by MIME type; `transient` may have a `display_id`."""
    UPDATE = 2
    """Replace the objects that were shown with this `display_id`."""
    CLEAR = 3
    """Take away what is there; if `wait`, once something else comes."""
    RESULT = 4
    """Show the value of a cell's expression, as SHOW, with its `execution_count`."""
    ERROR = 5
    """Show what ended a cell: `ename`, `evalue`, and `traceback`, a list of lines."""
    COMM_OPEN = 6
    """Open a comm (of a widget, say): `comm_id`, `target_name` and `data`, and beside Jupyter's content `metadata` and
    `buffers`, a list of base64. Client to engine it is a call of `Kind.COMM`."""
    COMM_MSG = 7
    """Send `data` over a comm."""
    COMM_CLOSE = 8
    """Close a comm."""
    DATA = 9
    """Replace the values that the task has published: a list of all of them, packed, in msgpack and not in JSON. `seq`
    counts these alone, from 0: only the last one matters."""


COMMS = (Displays.COMM_OPEN, Displays.COMM_MSG, Displays.COMM_CLOSE)
"""What is not for the eye."""

COMM_NAMES = {kind.name.lower(): kind for kind in COMMS}
"""By the names that Jupyter has for them."""


class Display(Header, frozen=True, tag="display"):
    """What a task displayed, or said over comms, in one order with its text; also engine to controller. `seq`: see
    Output. What is too long for a message comes in several: `part` counts these from 0, and there are `more` of them
    until the last one."""

    task: TaskId
    attempt: Ordinal
    kind: Displays
    seq: Number
    content: DisplayJSON
    part: Number = 0
    more: bool = False

    @property
    def is_part(self) -> bool:
        """Whether this is a part of what is displayed, and not all of it."""
        return self.more or self.part > 0


def updated(shown: dict[str, Any], update: dict[str, Any]) -> dict[str, Any] | None:
    """Return what was shown, the content of a display, as an UPDATE makes it; None: that is about another one."""
    wanted = update["transient"].get("display_id")
    if wanted is None or shown.get("transient", {}).get("display_id") != wanted:
        return None
    return shown | {"data": update["data"], "metadata": update["metadata"]}
