"""A task that this client has not submitted, or has forgotten: known by its whole id."""

from __future__ import annotations

from engineroom.client.state.tasks import Task
from engineroom.ids import SessionId, TaskId, msg_id


class ForeignTask(Task):
    """A task of any client; `number` means nothing to this one."""

    whole_id: TaskId = TaskId(b"")

    def id(self, session: SessionId) -> TaskId:
        del session
        return self.whole_id

    def msg_id(self, session: SessionId) -> str:
        del session
        return msg_id(self.whole_id)
