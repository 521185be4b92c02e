"""Which attempt an engine runs, on a page of memory that its parent can still read when the engine has died."""

from __future__ import annotations

import mmap

from engineroom.ids import SESSION_BYTES, TaskId

_TASK, _ATTEMPT = SESSION_BYTES + 8, 8
_SIZE = _TASK + _ATTEMPT
_NOTHING = bytes(_SIZE)


class NowRunning:
    """Made before the fork; the engine notes, its parent reads. Nothing of it is on disk."""

    __slots__ = ("_page",)

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, _SIZE)

    def note(self, task: TaskId, attempt: int) -> None:
        """Say that an attempt is about to begin. Called for every task: as short as can be."""
        self._page[:_SIZE] = task + attempt.to_bytes(_ATTEMPT)

    def clear(self) -> None:
        """Say that nothing runs."""
        self._page[:_SIZE] = _NOTHING

    def read(self) -> tuple[TaskId, int] | None:
        """Return the attempt that runs, or ran last if its end has not been told yet; None: there is none."""
        found = self._page[:_SIZE]
        return None if found == _NOTHING else (TaskId(found[:_TASK]), int.from_bytes(found[_TASK:]))

    def close(self) -> None:
        self._page.close()
