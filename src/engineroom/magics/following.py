"""Following a cell: its output as it comes or at its end, and its progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engineroom.client.progress.audience import silenced
from engineroom.client.showing.live import Live
from engineroom.client.waiting.waits import Deadline

if TYPE_CHECKING:
    from engineroom.client.connection.vigil import Vigil
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.state.watchers import Pieces

_GRACE = 2.0
"""Seconds that interrupted engines have before they are named."""


class Follower:
    """Waits for a cell, in several goes if it must, and shows each part of its output once."""

    def __init__(self, *, stream: bool, fold: bool, groupby: str, progress_after: float) -> None:
        """`stream`, `fold`, `groupby`: how output is shown; `progress_after`: seconds, negative for never."""
        self._stream, self._fold, self._groupby = stream and not silenced(), fold, groupby
        self._progress_from = time.monotonic() + progress_after if progress_after >= 0 else None
        self._result: AsyncResult[Any] | None = None
        self._pieces: Pieces | None = None
        self._live: Live | None = None
        self._vigil: Vigil | None = None

    def wait(self, result: AsyncResult[Any], *, interrupted: Callable[[], object] | None = None) -> None:
        """Return once all of `result` is here. `interrupted`: called if engines that were interrupted go on."""
        self._begin(result)
        if interrupted is not None and not self._wait(result, Deadline(_GRACE)):
            interrupted()
        self._wait(result, Deadline(None))

    def _begin(self, result: AsyncResult[Any]) -> None:
        if self._result is None:
            self._result = result
            # One for all waits, or the progress would start anew with each piece of output.
            self._vigil = result._vigil = result._session.silence.vigil(result)
        if self._stream and self._pieces is None:
            self._live = Live(result._tasks, fold=self._fold, values=False)
            self._pieces = result._session.watch(result._tasks)

    def _wait(self, result: AsyncResult[Any], deadline: Deadline) -> bool:
        """Return whether all of `result` came in time; show what comes."""
        session, pieces, live = result._session, self._pieces, self._live

        def has_more() -> bool:
            return pieces is not None and pieces.has_more

        while not (result.done() and not has_more()):
            self._show()
            if deadline.left() == 0:
                return False
            until_progress = self._show_progress(result)
            waits = (deadline.left(), until_progress, None if live is None else live.patience)
            session.wait_until(
                lambda: result.done() or has_more(),
                min((seconds for seconds in waits if seconds is not None), default=None),
                looks=session.silence.looks(result),
            )
        return True

    def _show_progress(self, result: AsyncResult[Any]) -> float | None:
        """Have the next wait show the progress if it is time; else return in how many seconds it is, None for never."""
        left = None if self._progress_from is None else self._progress_from - time.monotonic()
        result._progress = left is not None and left <= 0
        return left if left is not None and left > 0 else None

    def _show(self) -> None:
        if self._pieces is not None and self._live is not None:
            for piece in self._pieces.ready():
                self._live.take(piece)
            self._live.show()

    def end(self) -> None:
        """Show what has arrived, and no more of what arrives."""
        result = self._result
        if self._pieces is not None and self._live is not None:
            self._pieces.close()
            self._show()
            self._live.finish()
        if result is not None and self._vigil is not None:
            self._vigil.end()
            result._vigil = result._progress = None

    def finish(self) -> None:
        """Show what has not been shown, and raise the error of the cell."""
        assert self._result is not None
        self._result.display_outputs(self._groupby, result_only=self._stream, fold=self._fold)
        self._result.get()
