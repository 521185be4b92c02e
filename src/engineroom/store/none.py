"""The store that keeps nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engineroom.ids import TaskId
from engineroom.store.changes import Change
from engineroom.store.entry import Entry
from engineroom.store.interface import Store


class NoStore(Store):
    """Keeps nothing: whoever asks it for tasks finds none."""

    where = "nowhere"

    def write(self, changes: Sequence[Change]) -> None:
        del changes

    def entries(self, tasks: Iterable[TaskId] | None = None) -> Iterator[Entry]:
        del tasks
        return iter(())
