"""Ends engines, or the controller, for whoever may have them ended."""

from __future__ import annotations

from collections.abc import Callable

from engineroom.controller.links import Link
from engineroom.core.events import Dismiss
from engineroom.ids import Peer
from engineroom.protocol.messages import Shutdown
from engineroom.protocol.texts import brief

_BY_A_CLIENT = "shut down by a client"


class Endings:
    """Does what Shutdown messages want: `feed(peer, event)` tells the core, `request_stop(reason)` ends us."""

    def __init__(self, feed: Callable[[Peer, Dismiss], None], request_stop: Callable[[str], None]) -> None:
        self._feed, self._request_stop = feed, request_stop

    def dismiss(self, host: Link, message: Shutdown) -> None:
        """End engines of this host, and no others."""
        self._feed(host.peer, Dismiss(message.engines or (), brief(message.reason) or _BY_A_CLIENT, host.identity))

    def shutdown(self, client: Link, message: Shutdown) -> None:
        """End engines, and the controller."""
        if message.engines:
            self._feed(client.peer, Dismiss(message.engines, brief(message.reason) or _BY_A_CLIENT))
        if message.controller:
            self._request_stop(brief(message.reason) or _BY_A_CLIENT)
