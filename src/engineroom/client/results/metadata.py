"""The metadata of a task."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from engineroom.ids import engine_uuid
from engineroom.protocol.messages import Status
from engineroom.protocol.spans import listed_ids

if TYPE_CHECKING:
    from engineroom.client.state.tasks import Task
    from engineroom.ids import SessionId
    from engineroom.protocol.messages import Condition

STATUS_WORDS = {
    Status.OK: "ok",
    Status.ERROR: "error",
    Status.ABORTED: "aborted",
    Status.LOST: "lost",
    Status.NO_ENGINE: "lost",
    Status.DEPENDENCY: "error",
    Status.OVERDUE: "error",
}
"""What people read of how a task ended."""

KEYS = (
    "msg_id",
    "submitted",
    "started",
    "completed",
    "received",
    "engine_id",
    "engine_uuid",
    "follow",
    "after",
    "status",
    "execute_input",
    "execute_result",
    "error",
    "stdout",
    "stderr",
    "outputs",
    "data",
    "label",
)


class Metadata(dict[str, Any]):
    """A dict whose keys are attributes too.

    `submitted`, `started`, `completed`, `received`: datetimes, None before. `engine_id`, `engine_uuid`: None
    while no engine is known. `after`, `follow`: the ids of the tasks that it waits for, or waited for. `status`: "ok",
    "error", "aborted", "lost", or None. `error`: the exception, or None.
    """

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self})

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def metadata_of(task: Task, session: SessionId, label: str, code: str | None) -> Metadata:
    """Return what is known of `task` now; `code`: that of the cell which it executes, None for other calls."""
    outcome, output = task.outcome, task.output
    ran = outcome is not None and outcome.started > 0
    error = None if outcome is None or (outcome.status == Status.OK and code is None) else task.exception()
    return Metadata(
        msg_id=task.msg_id(session),
        submitted=_when(task.submitted) if task.submitted else None,
        started=_when(outcome.started) if outcome is not None and ran else None,
        completed=_when(outcome.started + outcome.seconds) if outcome is not None and ran else None,
        received=_when(task.received) if task.received else None,
        engine_id=task.engine if task.engine >= 0 else None,
        engine_uuid=engine_uuid(task.instance) or None,
        follow=[] if task.awaits is None else _ids(task.awaits.follow),
        after=[] if task.awaits is None else _ids(task.awaits.after),
        status=None if outcome is None else STATUS_WORDS[Status(outcome.status)],
        execute_input=code,
        execute_result=None if code is None or error is not None or outcome is None else task.value(),
        error=error,
        stdout="" if output is None else output.stdout,
        stderr="" if output is None else output.stderr,
        outputs=[] if output is None else output.displays,
        data={} if output is None or output.data is None else output.data.read(),
        label=label or None,
    )


def _ids(condition: Condition | None) -> list[str]:
    return [] if condition is None else listed_ids(condition.tasks)


def _when(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
