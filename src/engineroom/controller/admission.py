"""Lets peers in: each kind is made known to the core, welcomed, and listened to."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NoReturn

from engineroom.controller.clocks import clock_offset
from engineroom.controller.links import Link, host_named
from engineroom.controller.receivers import ClientReceiver, EngineReceiver, HostReceiver
from engineroom.controller.sight import pid_of
from engineroom.core.actions import Action, Send
from engineroom.core.clients import known_up_to
from engineroom.core.events import ClientBehind, ClientUp, EngineUp
from engineroom.core.membership import engine_id_of, is_here
from engineroom.errors import NotLetIn
from engineroom.ids import Instance, SessionId
from engineroom.protocol.identities import identity_of
from engineroom.protocol.messages import PROTOCOL, Join, Refused, Welcome
from engineroom.store.changes import ClientKnown
from engineroom.trail.launches import parse_launch
from engineroom.transport import decoders
from engineroom.transport.connection import Connection
from engineroom.transport.within_machine import can_share

if TYPE_CHECKING:
    from engineroom.controller.shell import Controller
    from engineroom.transport.sharing import Sharing

log = logging.getLogger(__name__)

_PATIENCE = 8
"""A client, or a host, for which so many times `max_link_bytes` wait is disconnected; it may connect again."""


class Admission:
    """Admits whoever has shown that he may connect, as `Listener` wants it; NotLetIn: the core refuses him."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._sharings: set[Sharing] = set()
        """Of all who share memory with this process."""

    def admit(self, connection: Connection, role: str, join: Join) -> None:
        link = Link(
            peer=self._controller.links.next_peer(),
            role=role,
            connection=connection,
            identity=join.identity,
            host=join.host,
            info=join.info,
            tunnel=join.tunnel,
            epoch=join.epoch,
            clock_offset=clock_offset(join, time.time()),
        )
        if identity_of(join.secret) != join.identity:
            raise NotLetIn(
                f"this {role} connects under the name of another one: it does not know the secret that belongs to "
                f"{join.identity.hex()}"
            )
        admit = {
            "client": self._admit_client,
            "engine": self._admit_engine,
            "host": self._admit_host,
            "task": self._admit_task,
        }[role]
        try:
            admit(link, join)
        except NotLetIn:
            raise
        except Exception as error:  # noqa: BLE001 (logged there)
            self._controller.faults.in_shell(link, [join], error)

    def _admit_task(self, link: Link, join: Join) -> None:
        """The tasks of an engine want to submit tasks themselves: it must be here, and show its secret."""
        instance = Instance(identity_of(join.engine))
        if engine_id_of(self._controller.state, instance) is None:
            raise NotLetIn(
                "only tasks may connect as one, and the engine of this one is not part of the cluster (any more)"
            )
        if not is_here(self._controller.state, instance):  # this controller was restarted, and the tasks were faster
            raise NotLetIn("the engine of this task has not reconnected yet", final=False)
        self._admit_client(link, join, within=instance)

    def _admit_client(self, link: Link, join: Join, within: Instance | None = None) -> None:
        controller, session = self._controller, SessionId(join.identity)
        controller.recorder.restoring.client_comes(session)
        actions = controller.decide(link.peer, ClientUp(session, within, join.withdraw, join.who))
        if link.peer not in controller.state.clients:
            self._failed(actions)
        controller.links.add(link)
        self._welcome(link, join, known_up_to=known_up_to(controller.state, session))
        controller.perform(actions)
        most = controller.config.max_link_bytes
        link.connection.backlog.bound(
            most,
            cut_at=_PATIENCE * most,
            on_behind=lambda behind: controller.feed(link.peer, ClientBehind(behind=behind)),
        )
        link.connection.start(ClientReceiver(controller, link))
        controller.recorder.client_came(link, ClientKnown(session, join.who, join.withdraw))

    def _admit_host(self, link: Link, join: Join) -> None:
        controller = self._controller
        controller.links.add(link)
        self._welcome(link, join)
        most = controller.config.max_link_bytes
        link.connection.backlog.bound(most, cut_at=_PATIENCE * most)
        controller.presence.host_came(link)
        for engine in controller.links.with_role("engine"):
            if controller.links.host_of(engine) is link:
                controller.links.tell_host(engine)
        link.connection.start(HostReceiver(controller, link))

    def _admit_engine(self, link: Link, join: Join) -> None:
        controller, instance = self._controller, Instance(join.identity)
        event = EngineUp(
            instance=instance,
            info=join.info,
            wanted_id=join.wanted_id,
            or_another=bool(join.host),
            back=bool(join.epoch),
            host=host_named(join.info, join.host),
            spawned=bool(join.host),
            launched=parse_launch(join.info.launch) is not None,
            pid=pid_of(link),
            tunnel=bool(join.tunnel),
        )
        actions = controller.decide(link.peer, event)
        for action in actions:
            if type(action) is Send and action.peer == link.peer and isinstance(action.message, Refused):
                raise NotLetIn(action.message.reason, final=action.message.final)
        engine_id = engine_id_of(controller.state, instance)
        if engine_id is None:
            self._failed(actions)
        link.engine_id = engine_id
        self._replace(controller.links.engines.get(engine_id))
        controller.links.add(link)
        controller.links.engines[engine_id] = link
        controller.identity.known_engines.joined(engine_id, event)
        self._welcome(link, join)
        controller.links.tell_host(link)
        controller.perform(actions)
        _log_engine(link)
        link.connection.start(EngineReceiver(controller, link))

    def _failed(self, actions: list[Action]) -> NoReturn:
        """The core could not take a peer in, and says so in its log."""
        self._controller.perform(actions)
        raise NotLetIn("the controller failed when this peer connected; its log has the details", final=False)

    def _replace(self, before: Link | None) -> None:
        """The engine has connected again, and its last connection, through a tunnel perhaps, does not know yet."""
        if before is not None:
            self._controller.links.remove(before)
            self._controller.bodies.functions.engine_gone(before.peer)
            before.connection.abort("the engine has reconnected")

    def _welcome(self, link: Link, join: Join, known_up_to: int = 0) -> None:
        connection = link.connection
        config = self._controller.config
        shares = config.shared_bytes_of(link.role) if join.shares and can_share(connection) else 0
        carries = config.carried_bytes if join.carries and not shares and link.info.boot_id else 0
        connection.send(
            Welcome(
                epoch=self._controller.epoch,
                protocol=PROTOCOL,
                window=connection.window,
                engine_id=link.engine_id,
                known_up_to=known_up_to,
                wall=time.time(),
                silent=self._controller.config.silent,
                heartbeat=self._controller.config.ping_every,
                keeps=self._controller.recorder.lasts,
                shares=shares,
                carries=carries,
                usual=config.max_shared_bytes < 0,
                stays=self._controller.state.limits.staying_bytes,
            )
        )
        connection.share(shares, self._sharings)
        if carries:
            self._controller.bodies.join_neighbours(link)
        connection.trust(decoders.from_peer[link.role], peer_window=join.window)
        connection.thrift = self._controller.bodies.thrift


def _log_engine(link: Link) -> None:
    info = link.info
    log.info("engine joined", extra={"engine": link.engine_id, "pid": info.pid, "host": info.host})
    if info.problem:
        log.warning("engine reports a problem", extra={"engine": link.engine_id, "problem": info.problem})
