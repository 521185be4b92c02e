"""The reading of a lazy map's results, as what its waits are for: one progress bar for all of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from engineroom.client.connection.vigil import Wish
from engineroom.client.progress.standing import Counts

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.connection.vigil import Vigil
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.state.tasks import Task
    from engineroom.client.waiting.waits import Looks


class Reading:
    """How far a lazy map is. `failed`: so many of the results that were read are errors."""

    def __init__(
        self,
        session: Session,
        name: str,
        sequences: Sequence[Any],
        *,
        progress: bool | None,
        under_way: Collection[AsyncResult[Any]],
    ) -> None:
        """`under_way`: what has been submitted and not been read yet; it changes. `progress`: see `Wish`."""
        self._session, self._name, self._under_way = session, name, under_way
        self._progress = progress
        self._vigil: Vigil | None = None
        self._total, self._since = _length(sequences), time.time()
        self.done = self.failed = 0

    def waits_for(self, result: AsyncResult[Any]) -> None:
        """Have a wait for `result` show this, from its start or never, if somebody said so."""
        if self._progress is not None:
            self._begin()
            result._progress, result._vigil = self._progress, self._vigil

    def looks(self) -> Looks:
        """Return what goes on during a wait for any of the results."""
        self._begin()
        return self._session.silence.looks(self)

    def _begin(self) -> None:
        if self._progress and self._vigil is None:
            self._vigil = self._session.silence.vigil(self)
            self._vigil.show(Wish(progress=True))

    def end(self, *, exhausted: bool = False) -> None:
        """Show the end, if anything is shown. `exhausted`: there are no more items."""
        if exhausted:
            self._total = self.done
        vigil, self._vigil, self._progress = self._vigil, None, None
        if vigil is not None:
            vigil.end()

    def _awaited(self) -> Sequence[Task]:
        return [task for result in list(self._under_way) for task in result._awaited()]

    def _counts(self) -> Counts:
        if self._total is None:  # a bar would always be nearly full
            return Counts(0, 1, name=f"{self._name} ({self.done:,} results read)", since=self._since)
        return Counts(min(self.done, self._total), self._total, "items", self._name, self.failed, self._since)


def _length(sequences: Sequence[Any]) -> int | None:
    """Return how many items there are at most; None: that is not known."""
    lengths = []
    for sequence in sequences:
        with contextlib.suppress(TypeError):
            lengths.append(len(sequence))
    return min(lengths, default=None)
