"""What is known of a task besides its result."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from engineroom.ids import engine_uuid
from engineroom.protocol.messages import Status

if TYPE_CHECKING:
    from engineroom.client.tasks import Task
    from engineroom.ids import SessionId

_STATUS = {Status.OK: "ok", Status.ERROR: "error", Status.ABORTED: "aborted", Status.LOST: "lost"}

KEYS = (
    "msg_id",
    "submitted",
    "started",
    "completed",
    "received",
    "engine_id",
    "engine_uuid",
    "status",
    "error",
    "stdout",
    "stderr",
    "label",
)


class Metadata(dict[str, Any]):
    """A dict whose keys are attributes too.

    `submitted`, `started`, `completed`, `received`: datetimes, None before. `engine_id`, `engine_uuid`: None
    while no engine is known. `status`: "ok", "error", "aborted", "lost", or None. `error`: "" or "Name: text".
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def metadata_of(task: Task, session: SessionId, label: str) -> Metadata:
    """Return what is known of `task` now."""
    outcome, output = task.outcome, task.output
    ran = outcome is not None and outcome.started > 0
    return Metadata(
        msg_id=task.msg_id(session),
        submitted=_when(task.submitted),
        started=_when(outcome.started) if outcome is not None and ran else None,
        completed=_when(outcome.started + outcome.seconds) if outcome is not None and ran else None,
        received=_when(task.received) if task.received else None,
        engine_id=task.engine if task.engine >= 0 else None,
        engine_uuid=engine_uuid(task.instance) or None,
        status=None if outcome is None else _STATUS[Status(outcome.status)],
        error="" if outcome is None else outcome.error,
        stdout="" if output is None else output.stdout,
        stderr="" if output is None else output.stderr,
        label=label,
    )


def _when(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
