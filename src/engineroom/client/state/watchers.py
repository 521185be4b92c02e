"""Watching tasks: what they print and display, piece by piece, for the thread that shows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from engineroom.client.state.output import content_of
from engineroom.client.waiting.waits import Deadline
from engineroom.protocol.messages import Display, Displays

if TYPE_CHECKING:
    import threading

    from engineroom.client.state.output import Part
    from engineroom.client.state.tasks import Task


class Kind(StrEnum):
    """What a piece is; the names are those of Jupyter's messages, as far as it has them."""

    STDOUT = "stdout"
    STDERR = "stderr"
    SHOW = "display_data"
    UPDATE = "update_display_data"
    CLEAR = "clear_output"
    RESULT = "execute_result"
    ERROR = "error"
    AGAIN = "again"
    """The task starts again, on another engine or after an interruption: what it has written so far is void."""


_TEXT = (Kind.STDOUT, Kind.STDERR)
_KINDS = {
    Displays.SHOW: Kind.SHOW,
    Displays.UPDATE: Kind.UPDATE,
    Displays.CLEAR: Kind.CLEAR,
    Displays.RESULT: Kind.RESULT,
    Displays.ERROR: Kind.ERROR,
}


class Piece(NamedTuple):
    """One thing that a task wrote or displayed. `engine`: where it runs; -1 while that is not known.

    `content`: a str of STDOUT and STDERR; None of AGAIN; otherwise a dict as Jupyter's message has it: `data`,
    `metadata` and `transient`, of RESULT also `execution_count`; of CLEAR `wait`; of ERROR `ename`, `evalue` and
    `traceback`, a list of lines. Ids of displays and widgets are made distinct from those of other engines.
    """

    task: Task
    engine: int
    kind: Kind
    content: Any


class Source(Protocol):
    """A session, as a watch needs it."""

    @property
    def condition(self) -> threading.Condition: ...
    @property
    def closed(self) -> bool:
        """Whether the session has ended."""

    def distinct(self, task: Task, content: dict[str, Any]) -> dict[str, Any]:
        """Return what a task displays with ids that no other engine has."""

    def pass_on_comms(self) -> None:
        """Return when what widgets have said is where they are shown."""

    def wait_until(self, condition: Callable[[], object], timeout: float | None) -> bool:
        """Return whether `condition()` came true in time, or the session failed; asked at each change."""


class Pieces:
    """What tasks write while this is open, in the order in which it arrives; what was there before comes first.

    A context manager. Showing is up to the thread that takes the pieces: the I/O thread only appends, and nothing is
    kept here that the tasks do not keep.
    """

    def __init__(self, source: Source, tasks: Iterable[Task] = ()) -> None:
        self._source = source
        self._tasks: list[Task] = []
        self._new: deque[tuple[Task, Part | None]] = deque()
        self.add(tasks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, tasks: Iterable[Task]) -> None:
        """Watch these tasks, too: those of a map that is submitted piece by piece, say."""
        with self._source.condition:
            for task in tasks:
                self._tasks.append(task)
                task.its_output().watch(_Watched(task, self._new))

    def close(self) -> None:
        """Watch no longer. What has arrived can still be taken."""
        with self._source.condition:
            for task in self._tasks:
                if task.output is not None:
                    task.output.unwatch(self._new)
            self._tasks = []
        self._source.pass_on_comms()  # the last step of a progress bar belongs to this cell, too

    @property
    def ended(self) -> bool:
        """Whether all tasks that are watched have ended: then all that they wrote is here."""
        return all(task.outcome is not None for task in self._tasks)

    @property
    def failed(self) -> bool:
        """Whether nothing more can come, because the session has ended."""
        return self._source.closed

    @property
    def has_more(self) -> bool:
        """Whether pieces are here that were not taken yet."""
        return bool(self._new)

    def wait(self, done: Callable[[], object], timeout: float | None = None) -> bool:
        """Wait until a piece is here, or `done()`; False: `timeout` seconds passed first, or the session failed."""
        return self._source.wait_until(lambda: self._new or done(), timeout)

    def ready(self) -> Iterator[Piece]:
        """Yield what has arrived and was not taken yet; wait for nothing."""
        while self._new:
            yield self._piece(*self._new.popleft())

    def until(self, done: Callable[[], object] | None = None, timeout: float | None = None) -> Iterator[Piece]:
        """Yield each piece as soon as it is here, until `done()` (None: until the tasks have ended).

        What has arrived by then comes, too. `done` is asked when something has changed at this client, with the
        session's condition held. `timeout`: seconds from now on, None: no limit; the iteration just ends. The same if
        the session has failed.
        """
        done = done or (lambda: self.ended)
        deadline = Deadline(timeout)
        while True:
            yield from self.ready()
            if done() or self.failed:
                break
            if not self.wait(done, deadline.left()):
                break
        yield from self.ready()

    def _piece(self, task: Task, part: Part | None) -> Piece:
        """Return the piece for a part of a task's output; None: the task has started again."""
        if part is None:
            return Piece(task, task.engine, Kind.AGAIN, None)
        if not isinstance(part, Display):
            return Piece(task, task.engine, _TEXT[part[0]], part[1])
        content = content_of(part)
        if "transient" in content:
            content = self._source.distinct(task, content)
        return Piece(task, task.engine, _KINDS[part.kind], content)


class _Watched(NamedTuple):
    """A task, and where what it writes is put."""

    task: Task
    pieces: deque[tuple[Task, Part | None]]

    def put(self, part: Part | None) -> None:
        self.pieces.append((self.task, part))
