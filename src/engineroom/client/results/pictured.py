"""How an AsyncResult shows itself: in a line, as a table by engine, and as a timeline."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engineroom.client.results.metadata import STATUS_WORDS
from engineroom.errors import CompositeError, RemoteError
from engineroom.protocol.messages import Status

if TYPE_CHECKING:
    from engineroom.client.pictures.timeline import Timeline
    from engineroom.client.progress.standing import Counts
    from engineroom.client.state.tasks import Task
    from engineroom.ids import SessionId

_LONGEST = 100
"""Characters of an error that a line has."""

_OPENED = 64 * 1024
"""Bytes: a packed result that is larger is not unpacked only to be shown."""


class Pictured:
    """What an AsyncResult shows of itself; nothing of it waits."""

    __slots__ = ()

    if TYPE_CHECKING:
        _name: str
        _single: bool
        _state: str
        _failures: int
        _tasks: list[Task]
        _session: Any

        @property
        def elapsed(self) -> float: ...
        @property
        def progress(self) -> int: ...
        def __len__(self) -> int: ...
        def cancelled(self) -> bool: ...
        def done(self) -> bool: ...
        def _counts(self) -> Counts: ...

    def __repr__(self) -> str:
        error = first_error(self._tasks) if self._failures else ""
        return f"<{type(self).__name__}({self._name}): {self._how_far()}{f': {error}' if error else ''}>"

    def _how_far(self) -> str:
        """Return how far this is, and how long it has taken."""
        from engineroom.client.progress.standing import duration  # seldom needed

        if self.cancelled():
            return "cancelled"
        known = not self._tasks or self._tasks[0].submitted  # of one that was found by its id, it is not
        time_taken = f" in {duration(self.elapsed)}" if known else ""
        if self._single and not self.done():
            return f"{self._state.lower()} for{time_taken[3:]}"
        if self._single:
            return f"{'failed' if self._failures else 'finished'}{time_taken}"
        words = f"finished{time_taken}" if self.done() else f"{self.progress} of {len(self)} done after{time_taken[3:]}"
        return f"{words}, {self._failed_in_words()}" if self._failures else words

    def _failed_in_words(self) -> str:
        return f"{self._failures} failed"

    def _repr_html_(self) -> str:
        # For notebooks: others never need it.
        from engineroom.client.pictures.tables import table
        from engineroom.client.progress.notebook import as_html
        from engineroom.client.progress.standing import Standing

        bar = (
            ""
            if self._single
            else as_html(Standing(self._counts(), "", self.elapsed if self._tasks else 0.0, over=self.done()))
        )
        rows = list(_by_engine(self._tasks))
        return bar + table(repr(self), ("engine", "tasks ended", "failed", "running", "busy"), rows)

    def timeline(self) -> Timeline:
        """Return a picture of who ran what when: a lane for each engine, a bar for each task.

        It shows itself in notebooks; `save(path)` writes it to an SVG or HTML file. Tasks that have not ended are drawn
        up to now. For a map, a task is a chunk of items. Times are those of the engines' clocks.
        """
        return timeline_of(self._tasks, self._session.id, self._name)


def timeline_of(tasks: Sequence[Task], session: SessionId, name: str, names: Sequence[str] = ()) -> Timeline:
    """Return the timeline of `tasks`; `names`: of the function of each, if not all have `name`."""
    from engineroom.client.pictures.merging import Bar  # few draw timelines
    from engineroom.client.pictures.timeline import Timeline

    now, bars, waiting = time.time(), list[Bar](), 0
    for number, task in enumerate(tasks):
        called, outcome = names[number] if names else name, task.outcome
        if outcome is not None and outcome.started > 0:
            start, seconds, state = outcome.started, outcome.seconds, STATUS_WORDS[Status(outcome.status)]
        elif outcome is None and task.started:
            start, seconds, state = task.started, max(0.0, now - task.started), "running"
        else:
            waiting += 1
            continue
        title = f"{called}, task {task.number}, engine {task.engine}: {seconds:.3g} s, {state}"
        bars.append(Bar(task.engine, start, start + seconds, state, called, title, busy=seconds))
    return Timeline(bars, name=name, waiting=waiting)


def first_error(tasks: Iterable[Task]) -> str:
    """Return the error of the first of `tasks` that failed, in a line; "" if it is not known without much work."""
    for task in tasks:
        outcome = task.outcome
        if outcome is None or outcome.status == Status.OK:
            continue
        size = getattr(task.payload, "size", None) or len(task.payload or b"")  # type: ignore[arg-type]  # or bytes
        return "" if size > _OPENED else _in_a_line(task.exception())
    return ""


def _in_a_line(error: BaseException | None) -> str:
    if isinstance(error, CompositeError) and error.exceptions:
        error = error.exceptions[0]
    if error is None:
        return ""
    name, text = type(error).__name__, str(error)
    if isinstance(error, RemoteError):
        name, text = error.ename, error.evalue
    line = (f"{name}: {text}" if text else name).strip().partition("\n")[0]
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _by_engine(tasks: Iterable[Task]) -> Iterator[tuple[object, ...]]:
    """Yield what each engine has done: its id, tasks that have ended, failed, and run there, and seconds."""
    from engineroom.client.progress.standing import duration  # as above

    found: dict[int, list[float]] = {}
    for task in tasks:
        if task.engine < 0:
            continue
        row = found.setdefault(task.engine, [0, 0, 0, 0.0])
        outcome = task.outcome
        if outcome is None:
            row[2] += bool(task.started)
        else:
            row[0] += 1
            row[1] += outcome.status != Status.OK
            row[3] += outcome.seconds
    for engine, (ended, failed, running, busy) in sorted(found.items()):
        yield engine, int(ended), int(failed), int(running), duration(busy)
