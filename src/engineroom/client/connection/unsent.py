"""What the controller has not been sent, of all that was submitted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engineroom.client.state.state import State
    from engineroom.transport.connection import Connection

_STREAMS = 100
"""So many streams may have ended without being forgotten."""


class Unsent(NamedTuple):
    """What the controller has not been sent: `size` bytes, without which `tasks` tasks can't run."""

    tasks: int
    size: int

    def __str__(self) -> str:
        tasks = "1 task" if self.tasks == 1 else f"{self.tasks:,} tasks"
        return f"the arguments or functions of {tasks} ({self.size / 2**20:,.1f} MiB)"


class Streams:
    """What is, or was, on its way as a stream, of this connection or the one that was lost last.

    Requests, by the numbers of their first tasks, and functions, by their hashes. For the I/O thread only.
    """

    def __init__(self) -> None:
        self._streams: dict[int | bytes, int] = {}
        self._most = _STREAMS

    def clear(self) -> None:
        """Forget all of them: there is a new connection."""
        self._streams.clear()

    def note(self, connection: Connection, of: int | bytes, stream: int) -> None:
        """The request of a task, or the function with this hash, is being sent as `stream` (0: at once)."""
        if stream:
            if len(self._streams) >= self._most:
                self._forget_sent(connection)
                self._most = 2 * len(self._streams) + _STREAMS
            self._streams[of] = stream

    def unsent(self, connection: Connection | None, state: State) -> Unsent:
        """Return what the controller has not been sent. Without a connection: what may not have arrived."""
        if connection is not None:
            self._forget_sent(connection)
        open_ = self._streams
        if connection is not None and not open_:
            waiting = connection.waiting
            return Unsent(len(state.tasks) if waiting else 0, waiting)
        requests = dict.fromkeys(state.outgoing.waiting())
        functions = {of for of in open_ if isinstance(of, bytes)}
        for task in list(state.tasks.values()):
            request = task.request
            if request is not None and (request.number in open_ or (functions and request.needs(functions))):
                requests[request] = None
        size = 0 if connection is None else sum(connection.left(stream) for stream in open_.values())
        return Unsent(sum(request.open for request in requests), size or sum(request.size for request in requests))

    def left(self, connection: Connection, numbers: Iterable[int]) -> int:
        """Return how many bytes of these requests are left to be sent; for any thread."""
        known = self._streams
        return sum(connection.left(known.get(number, 0)) for number in numbers)

    def _forget_sent(self, connection: Connection) -> None:
        self._streams = {of: stream for of, stream in self._streams.items() if connection.left(stream)}
