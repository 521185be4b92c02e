"""Peers whose connection is gone: what is told to whom, until the core knows whether they are."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from engineroom.controller.absences import Absences
from engineroom.controller.departures import Departures
from engineroom.controller.exits import Exits
from engineroom.controller.lease import Lease
from engineroom.controller.links import Link
from engineroom.controller.orphans import Orphans
from engineroom.core.events import ClientGone, EngineAway
from engineroom.ids import Instance
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import EngineExited, EngineLeft

if TYPE_CHECKING:
    from engineroom.controller.shell import Controller

log = logging.getLogger(__name__)


class Leaving:
    """Follows whoever has lost his connection, comes back, or was said to have ended."""

    def __init__(self, controller: Controller) -> None:
        self.config, self.links = controller.config, controller.links
        self._feed, self._functions = controller.feed, controller.bodies.functions
        self._departures, self._exits = Departures(self), Exits()
        self._absences = Absences(self.config, self._feed)
        self._orphans = Orphans(self.links, seconds=self.config.lease)
        self._lease = _lease_of(controller)

    def begin(self) -> None:
        """The controller listens: from now on its own host is expected."""
        if self._lease is not None:
            self._lease.begin()

    def close(self) -> None:
        if self._lease is not None:
            self._lease.close()
        self._orphans.close()
        self._departures.close()
        self._absences.close()

    @property
    def lease_over(self) -> bool:
        """Whether the host that had this controller started is gone for good."""
        return self._lease is not None and self._lease.over

    def client_gone(self, link: Link) -> None:
        self.links.remove(link)
        self._feed(link.peer, ClientGone())

    def host_came(self, link: Link) -> None:
        self._absences.end(link.identity)

    def host_gone(self, link: Link, closing: Closing) -> None:
        self.links.remove(link)
        self._absences.begin(link, closing)
        if closing.clean:
            self.links.hosts_that_left.add(link.identity)
            self._departures.host_left(link.identity)
        else:
            self.links.hosts_cut_off.add(link.identity)
            self._departures.host_cut_off(link.identity)
            self._orphans.host_left(link.identity)

    def engine_comes(self, instance: Instance) -> None:
        """An engine has connected, and the core will be asked whether it may stay."""
        self._departures.returned(instance)

    def engine_came(self, link: Link) -> None:
        self._orphans.engine_came(link.info.launch)

    def engine_closed(self, link: Link, closing: Closing) -> None:
        """An engine's connection is gone: find out whether the engine is."""
        if link.peer not in self.links.by_peer:
            return  # it has another one
        self.links.remove(link)
        self._functions.engine_gone(link.peer)
        self._departures.closed(link, closing)

    def engine_away(self, link: Link) -> None:
        self._feed(link.peer, EngineAway())

    def engine_lost(self, link: Link, cause: str) -> None:
        log.warning("engine lost", extra={"engine": link.engine_id, "cause": cause})
        host = self.links.host_of(link)
        if host is not None and not link.host:  # else it is the host that knows best
            host.connection.send(EngineLeft(link.engine_id, Instance(link.identity), cause))
        self._feed(link.peer, self._exits.loss(link, cause))

    def engine_exited(self, message: EngineExited) -> None:
        self._exits.note(message)
        self._departures.exited(message.instance, message.cause)


def _lease_of(controller: Controller) -> Lease | None:
    config = controller.config
    if not config.host:
        return None
    return Lease(config.host, controller.links.hosts, seconds=config.lease, on_end=controller.request_stop)
