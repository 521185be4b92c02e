"""What a notebook says to the widgets of an engine, one message at a time: the engine may be busy for long."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engineroom.client.results.async_result import AsyncResult

MOST_WAITING = 200
"""Messages that may wait for a busy engine."""


@dataclass(frozen=True)
class Said:
    """One message to a widget. `to`: the notebook's end of its comm; `comm_id`: as the engine knows it."""

    to: Any
    comm_id: str
    msg_type: str
    data: Any
    metadata: dict[str, Any] = field(default_factory=dict)
    buffers: tuple[Any, ...] = ()

    @property
    def is_update(self) -> bool:
        """Whether it sets attributes, and nothing else."""
        data = self.data
        return isinstance(data, dict) and data.get("method") == "update" and not self.buffers

    def then(self, later: Said) -> Said | None:
        """Return one message in place of this and the next one; None: that would not be the same."""
        if self.to is not later.to or not (self.is_update and later.is_update):
            return None
        state = {**self.data.get("state", {}), **later.data.get("state", {})}
        return replace(later, data={**later.data, "state": state})


class Line:
    """The messages for the widgets of one engine: the next one goes when the engine has done with the one before.

    Updates of a widget that wait (a slider sends many while it is moved) become one.
    """

    def __init__(
        self, send: Callable[[Said], AsyncResult[Any]], ended: Callable[[Said, AsyncResult[Any] | None], object]
    ) -> None:
        """`send`: makes the call to the engine. `ended`: is told of its end; None: it could not be made."""
        self._send, self._ended = send, ended
        self._lock = threading.Lock()
        self._waiting: deque[Said] = deque()
        self._busy = False

    def put(self, said: Said) -> bool:
        """Send a message when its turn comes; False: too many wait, and this one is dropped."""
        with self._lock:
            both = self._waiting[-1].then(said) if self._waiting else None
            if both is not None:
                self._waiting[-1] = both
                return True
            if len(self._waiting) >= MOST_WAITING:
                return False
            self._waiting.append(said)
            if self._busy:
                return True
            self._busy = True
        self._next()
        return True

    def _next(self) -> None:
        with self._lock:
            if not self._waiting:
                self._busy = False
                return
            said = self._waiting.popleft()
        try:
            result = self._send(said)
        except Exception:  # noqa: BLE001 (the engine has left, or the client is closed: `ended` finds out)
            self._done(said, None)
            return
        result.add_done_callback(lambda result: self._done(said, result))

    def _done(self, said: Said, result: AsyncResult[Any] | None) -> None:
        try:
            self._ended(said, result)
        finally:
            self._next()
