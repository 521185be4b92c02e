"""Who is there: tells the core what connections and processes show, and does what it decides of them."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING

from engineroom.controller.links import Link
from engineroom.controller.sight import pid_of
from engineroom.core.actions import Action, EndEngine, HangUp, KillEngine, Listen, Look, Lost, Stop
from engineroom.core.events import Began, ClientGone, EngineClosed, HostClosed, HostUp, Quiet, Seen
from engineroom.ids import Peer
from engineroom.machine.processes import start_time
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import Shutdown, Signal
from engineroom.trail.stops import engine_was_ended

if TYPE_CHECKING:
    from engineroom.controller.shell import Controller

log = logging.getLogger(__name__)


class Presence:
    """Translates: decides nothing."""

    def __init__(self, controller: Controller) -> None:
        self._controller, self._links = controller, controller.links
        self._feed, self._functions = controller.feed, controller.bodies.functions
        self._intake = controller.bodies.intake
        self.abandoned = False
        """Whether the controller ends because the host that had it started is gone."""

    def begin(self) -> None:
        """The controller listens: from now on its own host is expected."""
        self._feed(Peer(0), Began(self._controller.config.host))

    def host_came(self, link: Link) -> None:
        self._feed(link.peer, HostUp(link.identity, pid_of(link), bool(link.tunnel)))

    def client_gone(self, link: Link) -> None:
        self._links.remove(link)
        self._intake.gone(link.peer)
        self._controller.names.gone(link)
        self._feed(link.peer, ClientGone())
        self._controller.recorder.client_gone(link)

    def host_gone(self, link: Link, closing: Closing) -> None:
        self._links.remove(link)
        self._feed(link.peer, HostClosed(closing))

    def engine_closed(self, link: Link, closing: Closing) -> None:
        if link.peer not in self._links.by_peer:
            return  # it has another one
        self._links.remove(link)
        self._functions.engine_gone(link.peer)
        self._controller.names.gone(link)
        self._feed(link.peer, EngineClosed(closing))

    def perform(self, action: Action) -> None:
        """Do what the core says about who is there."""
        match action:
            case Look(peer=peer, pid=pid, at_once=at_once):
                self._feed(peer, Seen(start_time(pid) is not None, at_once))
            case Listen(peers=peers):
                links = self._links.by_peer
                asked = [links[peer] for peer in links if peers is None or peer in peers]
                self._feed(Peer(0), Quiet(tuple([link.peer for link in asked if link.connection.was_quiet()]), peers))
            case EndEngine() | KillEngine():
                self._end(action)
            case HangUp(peer=peer, reason=reason):
                self._hang_up(peer, reason)
            case Lost(engine=engine, cause=cause):
                wanted = engine_was_ended(cause)
                level, words = (logging.INFO, "engine left") if wanted else (logging.WARNING, "engine lost")
                log.log(level, words, extra={"engine": engine, "cause": cause})
                self._controller.identity.known_engines.left(engine)
            case Stop(reason=reason):
                log.warning("the lease has expired: the ipcluster that started this controller is gone")
                self.abandoned = True
                self._controller.request_stop(reason)
            case _:
                pass  # not about who is there

    def _end(self, action: EndEngine | KillEngine) -> None:
        if isinstance(action, KillEngine):
            problem = self._controller.signals.send(Signal((action.engine,), int(signal.SIGKILL)))
            log.warning("killing an engine: %s", problem or action.reason, extra={"engine": action.engine})
            return
        log.info("ending an engine: %s", action.reason, extra={"engine": action.engine})
        if (link := self._links.by_peer.get(action.peer)) is not None:
            link.connection.send(Shutdown(reason=action.reason))

    def _hang_up(self, peer: Peer, reason: str) -> None:
        link = self._links.by_peer.get(peer)
        if link is not None:
            self._links.remove(link)
            self._functions.engine_gone(peer)
            link.connection.abort(reason)
