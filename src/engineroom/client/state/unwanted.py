"""Tasks whose results nobody wants: how much so is noted with each, until it has ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engineroom.client.state.tasks import Task
from engineroom.ids import SessionId
from engineroom.protocol.messages import Abort
from engineroom.protocol.task_ranges import task_pieces

_WITHDRAWN, _INTERRUPTED, _FORCED = 1, 2, 3


def not_wanted(tasks: Iterable[Task], *, interrupt: bool, force: bool) -> None:
    """Note what is to be done about `tasks`, which have not ended."""
    much = _FORCED if force else _INTERRUPTED if interrupt else _WITHDRAWN
    for task in tasks:
        task.unwanted = max(task.unwanted, much)


def aborts_again(session: SessionId, tasks: Sequence[Task]) -> list[Abort]:
    """Return what is to be said of `tasks`, which have not ended, to a controller that may not have heard it."""
    unwanted: dict[int, list[int]] = {}
    for task in tasks:
        if task.unwanted:
            unwanted.setdefault(task.unwanted, []).append(task.number)
    return [
        Abort(piece, interrupt=much >= _INTERRUPTED, force=much == _FORCED, again=True)
        for much, numbers in unwanted.items()
        for piece in task_pieces(session, numbers)
    ]
