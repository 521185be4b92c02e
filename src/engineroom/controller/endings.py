"""Ends engines, or the controller, for whoever may have them ended."""

from __future__ import annotations

from collections.abc import Callable

from engineroom.controller.links import Link, Links
from engineroom.protocol.messages import Shutdown


class Endings:
    """Does what Shutdown messages want; `request_stop(reason)` ends the controller."""

    def __init__(self, links: Links, request_stop: Callable[[str], None]) -> None:
        self._links, self._request_stop = links, request_stop

    def dismiss(self, host: Link, message: Shutdown) -> None:
        """End engines of this host, and no others."""
        links = {engine_id: self._links.engines.get(engine_id) for engine_id in message.engines or ()}
        own = (number for number, link in links.items() if link is not None and self._links.host_of(link) is host)
        self.shutdown(Shutdown(engines=tuple(own), reason=message.reason))

    def shutdown(self, message: Shutdown) -> None:
        for engine_id in message.engines or ():
            link = self._links.engines.get(engine_id)
            if link is not None:
                link.dismissed = message.reason or "shut down by a client"
                link.connection.send(Shutdown(reason=link.dismissed))
        if message.controller:
            self._request_stop(message.reason or "shut down by a client")
