"""The order of direct attempts: first in first out for each client, and clients in turn.

A client's next call may use what its last one brought, so it waits even while that one's bytes are still
arriving. Other clients don't wait for that.
"""

from __future__ import annotations

from collections import deque

from engineroom.engine.attempts import Attempt
from engineroom.ids import SessionId, session_of


class DirectLanes:
    """One lane for each client session that has something queued."""

    def __init__(self) -> None:
        self._lanes: dict[SessionId, deque[Attempt]] = {}

    def __bool__(self) -> bool:
        """Whether there may be something in them."""
        return bool(self._lanes)

    def append(self, attempt: Attempt) -> None:
        self._lane(attempt).append(attempt)

    def put_back(self, attempt: Attempt) -> None:
        """Put an attempt ahead of the others of its client."""
        self._lane(attempt).appendleft(attempt)

    def first(self) -> Attempt | None:
        """Return the next attempt that is ready and ahead in its lane; None if there is none."""
        for session in tuple(self._lanes):
            lane = self._lanes[session]
            while lane and not lane[0].queued:  # given back meanwhile
                lane.popleft()
            if not lane:
                del self._lanes[session]
            elif lane[0].ready:
                return lane[0]
        return None

    def take(self, attempt: Attempt) -> None:
        """Remove what `first` returned; its client's turn comes after all others'."""
        session = session_of(attempt.run.task)
        lane = self._lanes.pop(session)
        lane.popleft()
        if lane:
            self._lanes[session] = lane

    def _lane(self, attempt: Attempt) -> deque[Attempt]:
        session = session_of(attempt.run.task)
        lane = self._lanes.get(session)
        if lane is None:
            lane = self._lanes[session] = deque()
        return lane
