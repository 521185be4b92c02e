"""Following a cell: its output as it comes or at its end, and its progress."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engineroom.client.results.async_result import AsyncResult

_GRACE = 2.0
"""Seconds that interrupted engines have before they are named."""


class Follower:
    """Waits for a cell, in several goes if it must, and shows each part of its output once."""

    def __init__(self, stream: bool, fold: bool, groupby: str, progress_after: float) -> None:  # noqa: FBT001 (a Way, taken apart)
        alone = bool(os.environ.get("IPP_NONINTERACTIVE"))
        self._stream, self._fold, self._groupby = stream and not alone, fold, groupby
        self._progress_after = -1.0 if alone else progress_after
        self._result: AsyncResult[Any] | None = None

    def wait(self, result: AsyncResult[Any], *, interrupted: Callable[[], object] | None = None) -> None:
        """Return once all of `result` is here. `interrupted`: called if engines that were interrupted go on."""
        self._result = result
        if interrupted is not None and not result.wait(_GRACE):
            interrupted()
        if self._progress_after < 0:
            result.wait()
        elif not result.wait(self._progress_after):
            result.wait_interactive()

    def end(self) -> None:
        """Show no more of what arrives."""

    def finish(self) -> None:
        """Show what has not been shown, and raise the error of the cell."""
        assert self._result is not None
        self._result.display_outputs(self._groupby)
        self._result.get()
