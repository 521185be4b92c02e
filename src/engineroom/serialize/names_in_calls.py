"""The names by which packed calls take results of other tasks: found, and replaced, without unpacking anything."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engineroom.ids import TASK_BYTES, TaskId
from engineroom.serialize.frames import Buffer, split

_TAKEN = re.compile(rb"C%b(.{%d})\x94\x85\x94R" % (bytes([TASK_BYTES]), TASK_BYTES), re.DOTALL)
"""A pickle's call of a function with a task's id, in protocol 5."""


def results_named(packed: Buffer) -> list[TaskId]:
    """Return the tasks whose results a packed call, or a packed function, takes by their names; each once."""
    return list(dict.fromkeys(TaskId(bytes(found)) for found in _TAKEN.findall(split(packed)[0])))


def renamed(packed: Buffer, names: Mapping[TaskId, TaskId]) -> memoryview:
    """Return a packed call, or function, with other names for the results that it takes; in its memory, if that is
    writable."""
    view = memoryview(packed)
    view = memoryview(bytearray(view)) if view.readonly else view
    pickle = memoryview(split(view)[0])
    for found in list(_TAKEN.finditer(pickle)):
        start, end = found.span(1)
        name = TaskId(bytes(pickle[start:end]))
        pickle[start:end] = names.get(name, name)
    return view
