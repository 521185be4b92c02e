"""What waits to be written to a peer that does not read: how much it may be, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from engineroom.protocol.messages import Display, Finished, Function, Message, Result, Run, Submit
from engineroom.protocol.records import message_records

HIGH = 8 << 20
"""Bytes that are handed to the transport, beyond what the kernel takes, before messages wait as they are."""

_SHARED = frozenset({Result, Run, Submit, Function})
"""Their payloads are kept elsewhere for as long as they wait here, and bounded there; so are parts of displays."""

_MESSAGE = 128
"""Bytes of memory that a waiting message takes, whatever is in it."""


class Backlog:
    """The messages that a connection can't write, weighed.

    `high`: see HIGH. Beyond `limit` bytes `on_behind(True)` is called, and `on_behind(False)` when all is written.
    """

    __slots__ = ("_bytes", "_weighed", "behind", "cut_at", "high", "limit", "on_behind")

    def __init__(self) -> None:
        self.high = self.limit = HIGH
        self.cut_at = 0
        """At so many bytes there is no hope (0: there always is)."""
        self.on_behind: Callable[[bool], object] | None = None
        self.behind = False
        self._bytes = self._weighed = 0

    def bound(self, limit: int, *, cut_at: int, on_behind: Callable[[bool], object] | None = None) -> None:
        """Let no more than about `limit` bytes wait."""
        self.limit, self.cut_at, self.on_behind = limit, cut_at, on_behind
        self.high = min(HIGH, limit)

    def left(self, outbox: Sequence[Message]) -> bool:
        """Note that `outbox` has to wait; return whether the connection had better be cut."""
        self._bytes += sum(map(_weight, islice(outbox, self._weighed, None)))
        self._weighed = len(outbox)
        if self._bytes > self.limit:
            self._say(behind=True)
        return 0 < self.cut_at < self._bytes

    def written(self, messages: Sequence[Message]) -> None:
        """Note that `messages`, the first that waited or would have, are on their way."""
        weighed = min(self._weighed, len(messages))
        self._bytes -= sum(map(_weight, islice(messages, weighed)))
        self._weighed -= weighed

    def empty(self) -> None:
        """Note that nothing waits any more."""
        self._bytes = self._weighed = 0
        self._say(behind=False)

    def _say(self, *, behind: bool) -> None:
        if behind != self.behind:
            self.behind = behind
            if self.on_behind is not None:
                self.on_behind(behind)


def _weight(message: Message) -> int:
    if type(message) in _SHARED or (type(message) is Display and message.is_part):
        return _MESSAGE
    if type(message) is Finished:  # kept elsewhere as well, but its engine had better not make more of them
        return _MESSAGE + (len(message.body) if isinstance(message.body, bytes) else 0)
    return _MESSAGE + sum(map(len, message_records((message,), leave_out=_never_sent)))


def _never_sent(message: Message, why: str) -> None:
    """Take no note: the connection does when it comes to write it."""
