"""The core's state of a client."""

from __future__ import annotations

from engineroom.core.tasks import Kept, Task
from engineroom.ids import Peer, SessionId


class Session:
    """One client, over any number of connections.

    Every task up to `known_up_to` has arrived; every result up to `delivered_up_to` is with the client.
    """

    __slots__ = ("delivered_up_to", "gone_at", "id", "kept_bytes", "known_up_to", "peer", "results", "tasks", "used")

    def __init__(self, id_: SessionId) -> None:
        self.id = id_
        self.peer: Peer | None = None
        self.gone_at = 0.0
        self.known_up_to = 0
        self.delivered_up_to = 0
        self.tasks: dict[int, Task] = {}
        """By number: those that have not ended."""
        self.results: dict[int, Kept] = {}
        """By number, in the order in which they ended: those that the client may not have yet."""
        self.kept_bytes = 0
        self.used = 0.0
        """Seconds of engine time, as far as fairness counts them."""
