"""A peer's side of listening for the controller: a quiet connection is pinged, and no answer is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engineroom.protocol.messages import Ping
from engineroom.transport.connection import Connection

HEARTBEAT = 3.0
"""Seconds between looks where the controller has not said how often."""

UNHURRIED = 2.5
"""How many heartbeats apart the looks are of who only logs what he finds: the controller's own pings come before."""

_ROUNDS = 2
"""No answer for so many looks is silence."""

_LATE = 1.5
"""A look that is later than this was kept waiting by its own process, and says nothing of the controller's."""


class Pulse:
    """Looks at one connection to the controller every `seconds`, until it is closed.

    `wanted()`: whether anybody waits for the controller now; nothing is sent while nobody does. `tell(words)` is called
    when it has not answered, and when it does again.
    """

    def __init__(
        self,
        connection: Connection,
        seconds: float,
        *,
        wanted: Callable[[], object] = lambda: True,
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._connection, self._wanted, self._tell = connection, wanted, tell
        self._seconds = seconds if seconds > 0 else HEARTBEAT
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._since: float | None = None
        self._said = False
        self._timer = self._loop.call_later(self._seconds, self._look)

    def unanswered(self) -> float:
        """Return for how many seconds the controller has not answered; 0: it does, as far as is known. Any thread."""
        since = self._since
        silent = 0.0 if since is None or self._connection.closed else self._loop.time() - since
        return silent if silent >= _ROUNDS * self._seconds else 0.0

    def close(self) -> None:
        """Look no more."""
        self._since = None
        self._timer.cancel()

    def _look(self) -> None:
        if self._connection.closed:
            self._since = None
            return
        last, self._last = self._last, self._loop.time()
        late = self._last - last > _LATE * self._seconds
        if not self._connection.was_quiet() or not self._wanted():
            self._since = None
        elif self._since is None or (late and not self._said):
            self._since = self._last if late else last
            self._connection.send(Ping(0))
        self._say()
        self._timer = self._loop.call_later(self._seconds, self._look)

    def _say(self) -> None:
        silent = self.unanswered()
        if silent and not self._said:
            self._tell(f"the controller has not answered for {silent:.0f} s")
        elif self._said and not silent:
            self._tell("the controller answers again")
        self._said = silent > 0
