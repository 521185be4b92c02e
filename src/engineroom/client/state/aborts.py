"""What a client has asked to have withdrawn: that may have been on its way as the connection broke."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

from msgspec.structs import replace

from engineroom.ids import SessionId
from engineroom.protocol.messages import Abort
from engineroom.protocol.task_ranges import found_in, task_pieces

_MOST = 1024


class SaidAborts:
    """The latest `most`, to be said again to a controller that this client connects to again. From any thread.

    Nobody acknowledges them: that they were heard is only seen when their tasks end.
    """

    def __init__(self, session: SessionId, most: int = _MOST) -> None:
        self._session = session
        self._said: deque[Abort] = deque(maxlen=most)

    def note(self, aborts: Sequence[Abort]) -> None:
        self._said.extend(aborts)

    def again(self, unfinished: Collection[int]) -> list[Abort]:
        """Return what is to be said of the tasks that have not ended, after a connection was lost."""
        every = tuple(self._said)
        among = frozenset(unfinished if every else ())  # other threads go on submitting
        return [
            replace(said, tasks=piece, again=True)
            for said in every
            for piece in task_pieces(self._session, found_in(said.tasks.ranges, among))
        ]
