"""Which attempt an engine runs, and whether it is about to end, on a page that its parent can still read then."""

from __future__ import annotations

import mmap
import struct

from engineroom.ids import SESSION_BYTES, TaskId

_PAIR = struct.Struct(f">{SESSION_BYTES + 8}sQ")
_NOTHING = bytes(_PAIR.size)


class NowRunning:
    """Made before the fork; the engine notes, its parent reads. Nothing of it is on disk."""

    __slots__ = ("_page", "_view")

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, _PAIR.size + 1)
        self._view = memoryview(self._page)[: _PAIR.size]

    def note(self, task: TaskId, attempt: int) -> None:
        """Say that an attempt is about to begin. Called for every task: as short as can be."""
        _PAIR.pack_into(self._view, 0, task, attempt)

    def clear(self) -> None:
        """Say that nothing runs."""
        self._view[:] = _NOTHING

    def leave(self) -> None:
        """Say that this process is about to end, as it should."""
        self._page[_PAIR.size] = 1

    @property
    def left(self) -> bool:
        """Whether it has said so: else it was ended by code that it ran, whatever its exit code."""
        return self._page[_PAIR.size] == 1

    def read(self) -> tuple[TaskId, int] | None:
        """Return the attempt that runs, or ran last if its end has not been told yet; None: there is none."""
        if self._view == _NOTHING:
            return None
        task, attempt = _PAIR.unpack_from(self._view)
        return TaskId(task), attempt

    def close(self) -> None:
        self._view.release()
        self._page.close()
