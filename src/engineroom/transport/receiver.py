"""Who is told what a connection brings."""

from __future__ import annotations

from typing import Any, Protocol

from engineroom.protocol.closing import Closing


class Receiver(Protocol):
    """Who is told what a connection brings, in its loop's thread."""

    def on_messages(self, messages: list[Any]) -> None:
        """Take messages, in order. For one with a stream, call `bodies.receive` before you return."""

    def on_closed(self, closing: Closing) -> None:
        """The connection is gone."""
