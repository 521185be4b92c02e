"""The metadata of an AsyncResult: when and where its tasks ran, how long they took, and what they printed."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engineroom.client.arguments.hinted import Hinted

if TYPE_CHECKING:
    from engineroom.client.results.metadata import Metadata
    from engineroom.client.state.tasks import Task


def _fact(name: str, doc: str) -> property:
    """Return the property for a key of the metadata: one value, or a list of one for each task."""
    return property(lambda result: result[name], doc=doc)


class Facts(Hinted):
    """The metadata of an AsyncResult's tasks as properties, and what follows from them.

    Each property is one value for a single target, and a list with a value for each task for several.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        _tasks: list[Task]
        _single: bool

        def done(self) -> bool: ...
        def _metadata(self) -> list[Metadata]: ...

    msg_id = _fact("msg_id", "The id of the task.")
    submitted = _fact("submitted", "When the task was submitted: a datetime.")
    started = _fact("started", "When the task started on its engine: a datetime; None until the task has ended.")
    completed = _fact("completed", "When the task ended on its engine: a datetime; None until it has ended.")
    received = _fact("received", "When the result arrived at the client: a datetime; None until it has arrived.")
    engine_id = _fact("engine_id", "The id of the engine that runs or ran the task; None until it is known.")
    engine_uuid = _fact("engine_uuid", "The uuid of that engine's process; None until it is known.")
    status = _fact("status", "'ok', 'error', 'aborted' or 'lost'; None until the task has ended.")
    error = _fact("error", "The exception that the task raised; None if there is none.")
    stdout = _fact("stdout", "What the task has printed so far.")
    stderr = _fact("stderr", "What the task has written to stderr so far.")
    outputs = _fact("outputs", "What the task displays: a list of dicts, as a notebook's file has them.")
    data = _fact("data", "What the task has published with `publish_data` so far: a dict with the latest values.")
    execute_input = _fact("execute_input", "The code that `execute` ran; None for other calls.")
    execute_result = _fact("execute_result", "What `execute` returned, an ExecuteReply; None for other calls.")
    label = _fact("label", "The label of the call; None if it has none.")
    after = _fact("after", "The ids of the tasks that it waits or waited for, as its flag `after` says.")
    follow = _fact("follow", "The ids of the tasks that it waits or waited for, as its flag `follow` says.")

    @property
    def metadata(self) -> Any:
        """All that is known of the task, a Metadata, or a list of one for each task."""
        found = self._metadata()
        return found[0] if self._single else found

    @property
    def elapsed(self) -> float:
        """Seconds since the first task was submitted, until now or until the last result arrived."""
        if not self._tasks:
            return 0.0
        received = [task.received for task in self._tasks]
        until = max(received) if all(received) else time.time()
        return max(0.0, until - min(task.submitted for task in self._tasks))

    @property
    def serial_time(self) -> float:
        """Seconds that engines spent on the tasks, added up; TimeoutError before they have all ended."""
        self._check_ended("serial_time")
        return sum(task.outcome.seconds for task in self._tasks if task.outcome is not None)

    @property
    def wall_time(self) -> float:
        """Seconds from the first submission to the last result; TimeoutError before it is there."""
        self._check_ended("wall_time")
        return self.elapsed

    def timedelta(
        self,
        start: dt.datetime | Iterable[dt.datetime],
        end: dt.datetime | Iterable[dt.datetime],
        start_key: Any = min,
        end_key: Any = max,
    ) -> float:
        """Return the seconds from `start` to `end`: `ar.timedelta(ar.started, ar.received)`.

        Of several times, `start_key` (by default `min`) and `end_key` (`max`) choose one.
        """
        first = start if isinstance(start, dt.datetime) else start_key(start)
        last = end if isinstance(end, dt.datetime) else end_key(end)
        return float((last - first).total_seconds())

    def _check_ended(self, what: str) -> None:
        if not self.done():
            raise TimeoutError(f"{what} is not available until all tasks have ended; `ar.elapsed` is always available")
