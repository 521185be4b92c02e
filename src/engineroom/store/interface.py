"""What every store can do; the class that stores of the user's own derive from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from engineroom.errors import EngineroomError
from engineroom.ids import TaskId, msg_id
from engineroom.protocol.messages import Function
from engineroom.protocol.spans import by_session
from engineroom.protocol.streams import Buffer
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.changes import Change, ClientKnown, Purged
from engineroom.store.entry import Entry
from engineroom.store.ranges import highest_of

if TYPE_CHECKING:  # what has to do with queries is loaded for the first one: most controllers are asked none
    from engineroom.store.queries.matching import Order
    from engineroom.store.queries.tree import Query


class StoreTrouble(EngineroomError):
    """A store could not keep something, or could not answer; the words are for people. Later it may be able to."""


class StoreUnusable(StoreTrouble):
    """A store can't be opened, and waiting does not help: the words say what to do."""


class Absence(msgspec.Struct, frozen=True):
    """Tasks that a store does not have, and why: one of `changes.ABSENT`."""

    kind: str
    tasks: TaskRanges
    at: float = 0.0
    why: str = ""


class Damage(msgspec.Struct, frozen=True):
    """An entry that is not as it was written, or is not there. `why` is for people."""

    msg_id: str
    why: str


class LeftBehind(msgspec.Struct, frozen=True):
    """An earlier cluster has ended, without having been stopped, before all its tasks had; `at`: about when."""

    at: float


class Store:
    """Where a controller keeps its tasks.

    `write` is called by one thread at a time, everything else by any thread, at any time. A store of your own has to
    have `write` and `entries`.
    """

    on_disk = False
    """What is written outlives the process."""

    where = ""
    """For people: what it is, and where."""

    def open(self) -> None:
        """Make it ready; StoreUnusable: that can't be."""

    def close(self) -> None:
        """Let go what it holds; everything that was written is safe."""

    def write(self, changes: Sequence[Change]) -> None:
        """Apply `changes`, in their order, and as one. Something that is said twice does no harm.

        StoreTrouble: none of them was kept; they may be said again.
        """
        raise NotImplementedError

    def entries(self, tasks: Iterable[TaskId] | None = None) -> Iterator[Entry]:
        """Yield all entries in the order in which their tasks were submitted; or those of `tasks` that there are."""
        raise NotImplementedError

    def function(self, digest: bytes) -> tuple[Function, list[Buffer]] | None:
        """Return the function, or the part of one, that has this `digest`, and its bytes; None: it is not here."""
        del digest
        return None

    def absences(self) -> Iterator[Absence]:
        """Yield which tasks are not here any more, and why."""
        return iter(())

    def expired(self) -> Iterator[TaskRanges]:
        """Yield the tasks whose results were not fetched in time; their records are here."""
        return iter(())

    def known_up_to(self) -> dict[bytes, int]:
        """Return, by session, the highest number of a task that was ever written."""
        return highest_of(entry.task for entry in self.entries())

    def damages(self) -> Iterator[Damage]:
        """Yield what is wrong with entries: those that were changed since they were written."""
        return iter(())

    def count(self) -> int:
        """Return how many entries there are."""
        return sum(1 for _ in self.entries())

    def size(self) -> int:
        """Return how many bytes they take."""
        return 0

    def select(self, query: Query, order: Order = (), limit: int | None = None, skip: int = 0) -> Iterable[Entry]:
        """Return the entries that match `query`, in `order`: without the first `skip`, at most `limit`; None: all.

        Override it to do better than by looking at each.
        """
        from engineroom.store.queries.matching import arranged  # see above
        from engineroom.store.queries.named import tasks_named

        return arranged(self.entries(tasks_named(query)), query, order, limit, skip)

    def get(self, task: str | TaskId) -> Entry | None:
        """Return the entry of `task`, its id or its msg_id; None: there is none."""
        from engineroom.store.queries.tree import Test  # see above

        name = msg_id(task) if isinstance(task, bytes) else task
        return next(iter(self.select(Test(("msg_id",), "$eq", name))), None)

    def search(self, query: Any = None, *, sort: Any = None, limit: int | None = None, skip: int = 0) -> list[Entry]:
        """Return the entries that match `query`, a dict as MongoDB has them; BadQuery: it is no query.

        `sort`, `limit`, `skip`: as for `find`.
        """
        from engineroom.store.queries.matching import checked_order, checked_window  # see above
        from engineroom.store.queries.parsing import parse
        from engineroom.store.queries.tree import ALL

        tree, order = ALL if query is None else parse(query), checked_order(sort)
        return list(self.select(tree, order, *checked_window(limit, skip)))

    def find(
        self, query: Any = None, keys: Any = None, *, sort: Any = None, limit: int | None = None, skip: int = 0
    ) -> list[dict[str, Any]]:
        """Return the records that match `query`, with `keys` and `msg_id`; None: all keys but the payloads.

        `sort`: "completed", "-completed", or a list of such; by default they come as they were submitted. `skip`: so
        many are left out; `limit`: so many come then at most, None: all. BadQuery.
        """
        from engineroom.store.records import checked_keys, projected  # see above

        wanted = checked_keys(keys)
        return [projected(entry, wanted) for entry in self.search(query, sort=sort, limit=limit, skip=skip)]

    def history(self) -> list[str]:
        """Return the msg_ids of all tasks, in the order in which they were submitted."""
        return [entry.msg_id for entry in self.entries()]

    def unfinished(self) -> Iterator[Entry]:
        """Yield the entries of tasks that have not ended, with their calls, as they were submitted."""
        return (entry for entry in self.entries() if entry.result is None)

    def left_behind(self) -> LeftBehind | None:
        """Return what this cluster has found of an earlier one, in whose place it goes on; None: nothing."""
        return None

    def left(self, damaged: Callable[[Damage], object]) -> Iterator[Entry]:
        """Yield the entries of tasks that are to go on if the controller has just been started, as they were
        submitted. `damaged` is called for those that can't be read."""
        del damaged
        return (entry for entry in self.unfinished() if not entry.delivered)

    def clients(self) -> dict[bytes, ClientKnown]:
        """Return what is known of clients, by their sessions."""
        return {}

    def undelivered(self, session: bytes, known_up_to: int) -> Iterator[Entry]:
        """Yield the entries of the tasks of `session` up to number `known_up_to` that have ended, and whose client may
        not have the results."""
        del known_up_to
        return (
            entry
            for entry in self.entries()
            if entry.task.startswith(session) and entry.result is not None and not entry.delivered
        )

    def remove(self, query: Any, at: float = 0.0) -> int:
        """Purge the tasks that match `query` and have ended; return how many. To be called like `write`. BadQuery."""
        tasks = [entry.task for entry in self.search(query) if entry.result is not None]
        self.write(purges(tasks, at))
        return len(tasks)


def purges(tasks: Iterable[TaskId], at: float = 0.0) -> list[Change]:
    """Return the changes that purge `tasks`, `at` this time (seconds since the epoch)."""
    return [Purged(ranges, at) for ranges in by_session(tasks)]
