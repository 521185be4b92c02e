"""The shell: passes events from connections to the core, and the core's actions to connections."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from engineroom.controller.absences import Absences
from engineroom.controller.clocks import clock_offset
from engineroom.controller.config import ControllerConfig
from engineroom.controller.departures import Departures
from engineroom.controller.exits import Exits
from engineroom.controller.functions import FunctionShelf
from engineroom.controller.identity import Identity
from engineroom.controller.lease import Lease
from engineroom.controller.links import Link, Links
from engineroom.controller.orphans import Orphans
from engineroom.controller.receivers import ClientReceiver, EngineReceiver, HostReceiver
from engineroom.controller.signalling import Signalling
from engineroom.controller.sockets import socket_path
from engineroom.controller.steps import Door, known_steps
from engineroom.core import explain
from engineroom.core.actions import Action, DropFunction, Send, WakeAt
from engineroom.core.clients import known_up_to
from engineroom.core.events import (
    BodyLost,
    ClientGone,
    ClientUp,
    EngineAway,
    EngineUp,
    Event,
    Large,
    Tick,
)
from engineroom.core.interrupts import interrupt_first
from engineroom.core.limits import Limits
from engineroom.core.membership import engine_id_of
from engineroom.core.reactor import handle
from engineroom.core.state import ControllerState
from engineroom.errors import NotLetIn
from engineroom.ids import Instance, Peer, SessionId, new_epoch
from engineroom.protocol.launches import parse_launch
from engineroom.protocol.messages import (
    PROTOCOL,
    Answer,
    Ask,
    EngineExited,
    EngineInfo,
    EngineJoined,
    EngineLeft,
    Finished,
    Function,
    Join,
    NeedFunction,
    Refused,
    Run,
    Shutdown,
    Signal,
    Submit,
    Welcome,
)
from engineroom.protocol.streams import Payload
from engineroom.transport import decoders
from engineroom.transport.connection import Connection
from engineroom.transport.listener import Listener
from engineroom.transport.tls import controller_context

log = logging.getLogger(__name__)


class Controller:
    """A controller of one cluster: `start`, then `run_until_stopped`."""

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        self.identity = Identity(config)
        self.epoch = new_epoch()
        self.state = ControllerState(Limits(policy=config.policy))
        self.links = Links()
        self.port = 0
        self._functions = FunctionShelf()
        self._wanted: dict[bytes, set[Peer]] = {}
        self._departures, self._exits = Departures(self), Exits()
        self._signals = Signalling(self.links, partial(interrupt_first, self.state))
        self._absences = Absences(config, self.feed)
        self._rng = random.Random()
        self._timer: asyncio.TimerHandle | None = None
        self._touched: set[Connection] | None = None
        self._lease = _lease_of(self)
        self._orphans = Orphans(self.links, seconds=config.lease)
        self._stopped = asyncio.Event()
        self._listener: Listener | None = None
        self.stop_reason = ""
        self._comes_back = False

    async def start(self) -> None:
        """Listen, then write the connection files: who finds them can connect.

        LaunchError, ConnectionFileError, OSError: said in words what is in the way.
        """
        self._loop = asyncio.get_running_loop()
        self.identity.load()
        context = controller_context(self.identity.certificate_file, self.identity.key_file)
        self._listener = Listener(
            keys=self.identity.keys,
            cluster_id=self.config.cluster_id,
            context=context,
            certificate=self.identity.certificate,
            admit=self._admit,
            silent=self.config.silent,
            book=Door(self.config),
        )
        ports = self.config.ports or ((self.identity.last_port,) if self.identity.last_port else (0,))
        self.port = self._listener.listen_tcp(self.identity.bind_hosts(), ports)
        self._listen_unix(self._listener)
        self.identity.write_files(self.port, self._listener.unix_path)
        if self._lease is not None:
            self._lease.begin()

    def _listen_unix(self, listener: Listener) -> None:
        try:
            listener.listen_unix(socket_path(Path(self.config.security_dir), self.config.cluster_id))
        except OSError as error:
            # Peers on this machine go by TCP then; slower, nothing else.
            log.warning("not listening on a Unix socket: %s", error)

    async def run_until_stopped(self) -> None:
        await self._stopped.wait()

    def request_stop(self, reason: str, *, comes_back: bool = False) -> None:
        """Have `run_until_stopped` return; `comes_back`: engines and clients may wait for another start."""
        if not self._stopped.is_set():
            self.stop_reason, self._comes_back = reason, comes_back
            self._stopped.set()

    async def stop(self) -> None:
        """Tell all peers, close everything, remove the files."""
        reason = self.stop_reason or "the controller was stopped"
        if self._listener is not None:
            self._listener.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._lease is not None:
            self._lease.close()
        self._orphans.close()
        self._departures.close()
        self._absences.close()
        for link in tuple(self.links.by_peer.values()):
            link.dismissed = reason
            if self._comes_back:
                link.connection.abort(reason)
                continue
            if link.role in {"engine", "host"}:
                link.connection.send(Shutdown(reason=reason))
            else:
                link.connection.send(Refused(reason))
            link.connection.close(reason)
        self.identity.remove_files()
        await asyncio.sleep(0)

    @property
    def unix_path(self) -> str:
        """The Unix socket at which it listens, "" for none."""
        return "" if self._listener is None else self._listener.unix_path

    @property
    def abandoned(self) -> bool:
        """Whether it stopped because the host that had it started is gone."""
        return self._lease is not None and self._lease.over

    def begin_promptly(self) -> None:
        """Note who is sent something from now on..."""
        self._touched = set()

    def end_promptly(self) -> None:
        """... and write it at once: what comes of a lone call need not wait for the end of the loop's tick."""
        touched, self._touched = self._touched, None
        for connection in touched or ():
            connection.flush()

    def feed(self, peer: Peer, event: Event) -> None:
        """Let the core handle `event`, and do what it says."""
        self._perform(handle(self.state, peer, event, now=self._loop.time(), rng=self._rng))

    def _perform(self, actions: Iterable[Action]) -> None:
        by_peer = self.links.by_peer
        for action in actions:
            if type(action) is Send:
                if (link := by_peer.get(action.peer)) is not None:
                    self._send(link, action)
            elif type(action) is WakeAt:
                self._wake_at(action.time)
            elif type(action) is DropFunction:
                self._functions.drop(action.hash)

    def _send(self, link: Link, action: Send) -> None:
        message = action.message
        if type(message) is Run and (digest := message.call.function):
            function = self._functions.to_send(link.peer, digest)
            if function is not None:
                self._send_function(link, *function)
        if action.body is not None:
            self._send_long(link, message, action.body)
        elif self._touched is None:
            link.connection.send(message)
        else:
            self._touched.add(link.connection)
            link.connection.add(message)

    def _send_long(self, link: Link, message: Any, body: object) -> None:
        assert isinstance(body, Payload)
        stream = link.connection.open_stream(body)
        link.connection.send(msgspec.structs.replace(message, stream=stream, size=body.size))
        body.accept()

    def _send_function(self, link: Link, function: Function, body: Payload | None) -> None:
        if body is None:
            link.connection.send(function)
        else:
            self._send_long(link, function, body)

    def _wake_at(self, when: float) -> None:
        if self._timer is not None and self._timer.when() <= when and not self._timer.cancelled():
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.feed(Peer(0), Tick())

    def _admit(self, connection: Connection, role: str, join: Join) -> None:
        peer = self.links.next_peer()
        link = Link(
            peer=peer,
            role=role,
            connection=connection,
            identity=join.identity,
            host=join.host,
            info=join.info,
            tunnel=join.tunnel,
            clock_offset=clock_offset(join, time.time()),
        )
        match role:
            case "client":
                self._admit_client(link, join)
            case "engine":
                self._admit_engine(link, join)
            case _:
                self.links.add(link)
                self._absences.end(link.identity)
                self._welcome(link, join)
                for engine in self.links.with_role("engine"):
                    if self._host_of(engine) is link:
                        self._tell_host(engine)
                connection.start(HostReceiver(self, link))

    def _admit_client(self, link: Link, join: Join) -> None:
        actions = handle(
            self.state, link.peer, ClientUp(SessionId(join.identity)), now=self._loop.time(), rng=self._rng
        )
        self.links.add(link)
        self._welcome(link, join, known_up_to=known_up_to(self.state, SessionId(join.identity)))
        self._perform(actions)
        for digest in self._wanted:  # perhaps it was this client that was cut off while it sent them
            link.connection.send(NeedFunction(digest))
        link.connection.start(ClientReceiver(self, link))

    def _admit_engine(self, link: Link, join: Join) -> None:
        self._departures.returned(Instance(join.identity))
        event = EngineUp(
            instance=Instance(join.identity),
            info=join.info,
            wanted_id=join.wanted_id,
            or_another=bool(join.host),
            held=join.held,
            host=_host_named(join.info, join.host),
        )
        actions = handle(self.state, link.peer, event, now=self._loop.time(), rng=self._rng)
        for action in actions:
            if type(action) is Send and action.peer == link.peer and isinstance(action.message, Refused):
                raise NotLetIn(action.message.reason, final=action.message.final)
        engine_id = engine_id_of(self.state, event.instance)
        assert engine_id is not None
        link.engine_id = engine_id
        self._replace(self.links.engines.get(engine_id))
        self.links.add(link)
        self.links.engines[link.engine_id] = link
        self._welcome(link, join)
        self._tell_host(link)
        self._orphans.engine_came(join.info.launch)
        self._perform(actions)
        log.info("engine joined", extra={"engine": link.engine_id, "pid": join.info.pid, "host": join.info.host})
        if join.info.problem:
            log.warning("engine reports a problem", extra={"engine": link.engine_id, "problem": join.info.problem})
        link.connection.start(EngineReceiver(self, link))

    def _replace(self, before: Link | None) -> None:
        """The engine has connected again, and its last connection, through a tunnel perhaps, does not know yet."""
        if before is not None:
            self.links.remove(before)
            self._functions.engine_gone(before.peer)
            before.connection.abort("the engine has reconnected")

    def _tell_host(self, engine: Link) -> None:
        """Tell the host that started `engine` that it has joined, and under which id."""
        host = self._host_of(engine)
        if host is not None:
            host.connection.send(EngineJoined(engine.engine_id, Instance(engine.identity), engine.info))

    def _host_of(self, engine: Link) -> Link | None:
        """Return the link to the host that started `engine`, itself or by a launcher."""
        return self.links.hosts.get(_host_named(engine.info, engine.host))

    def _welcome(self, link: Link, join: Join, known_up_to: int = 0) -> None:
        connection = link.connection
        connection.send(
            Welcome(
                epoch=self.epoch,
                protocol=PROTOCOL,
                window=connection.window,
                engine_id=link.engine_id,
                known_up_to=known_up_to,
                wall=time.time(),
            )
        )
        connection.trust(decoders.from_peer[link.role], peer_window=join.window)

    def client_gone(self, link: Link) -> None:
        self.links.remove(link)
        self.feed(link.peer, ClientGone())

    def host_gone(self, link: Link, reason: str, *, clean: bool) -> None:
        self.links.remove(link)
        self._absences.begin(link, reason, clean=clean)
        if clean:
            self.links.hosts_that_left.add(link.identity)
            self._departures.host_left(link.identity)
        else:
            self.links.hosts_cut_off.add(link.identity)
            self._departures.host_cut_off(link.identity)
            self._orphans.host_left(link.identity)

    def engine_closed(self, link: Link, reason: str, *, clean: bool) -> None:
        """An engine's connection is gone: find out whether the engine is."""
        if link.peer not in self.links.by_peer:
            return  # it has another one
        self.links.remove(link)
        self._functions.engine_gone(link.peer)
        self._departures.closed(link, reason, clean=clean)

    def engine_away(self, link: Link) -> None:
        self.feed(link.peer, EngineAway())

    def engine_lost(self, link: Link, cause: str) -> None:
        log.warning("engine lost", extra={"engine": link.engine_id, "cause": cause})
        host = self._host_of(link)
        if host is not None and not link.host:  # else it is the host that knows best
            host.connection.send(EngineLeft(link.engine_id, Instance(link.identity), cause))
        self.feed(link.peer, self._exits.loss(link, cause))

    def engine_exited(self, message: EngineExited) -> None:
        self._exits.note(message)
        self._departures.exited(message.instance, message.cause)

    def take_submit(self, link: Link, message: Submit) -> None:
        if not message.stream:
            self.feed(link.peer, message)
            return
        # Large payloads are pulled when an engine is about to take them.
        body = link.connection.receive(message.stream, message.size, assemble=False, accept=False)

        def watch() -> None:
            if body.error is not None:
                self.feed(link.peer, BodyLost(message.task))

        body.watch(watch)
        self.feed(link.peer, Large(message, body))

    def take_finished(self, link: Link, message: Finished) -> None:
        if link.clock_offset:
            started = message.outcome.started + link.clock_offset
            message = msgspec.structs.replace(
                message, outcome=msgspec.structs.replace(message.outcome, started=started)
            )
        if not message.stream:
            self.feed(link.peer, message)
            return
        body = link.connection.receive(message.stream, message.size, assemble=False)

        def watch() -> None:
            # Only a whole result counts: an engine that dies while it sends has not finished.
            if body.complete:
                self.feed(link.peer, Large(message, body))

        body.watch(watch)

    def take_function(self, link: Link, message: Function) -> None:
        body = link.connection.receive(message.stream, message.size, assemble=False) if message.stream else None
        self._functions.put(message, body)
        if body is not None:
            body.watch(partial(self._functions.look_at, message.hash, body))
        for peer in self._wanted.pop(message.hash, ()):
            engine = self.links.by_peer.get(peer)
            if engine is not None and (function := self._functions.to_send(peer, message.hash)) is not None:
                self._send_function(engine, *function)

    def need_function(self, link: Link, digest: bytes) -> None:
        """An engine has dropped a function that it needs again."""
        self._functions.forgotten_by(link.peer, digest)
        function = self._functions.to_send(link.peer, digest)
        if function is not None:
            self._send_function(link, *function)
            return
        asked = digest in self._wanted
        self._wanted.setdefault(digest, set()).add(link.peer)
        for client in () if asked else self.links.with_role("client"):
            client.connection.send(NeedFunction(digest))

    def signal(self, link: Link, message: Signal) -> None:
        """Signal the processes of engines, for a client or for the host that started them."""
        problem = self._signals.send(message, host=link if link.role == "host" else None)
        if problem:
            log.warning("signal not sent to all engines", extra={"signal": message.signum, "problem": problem})
        if message.number:
            link.connection.send(Answer(message.number, error=problem))

    def dismiss(self, host: Link, message: Shutdown) -> None:
        """End engines of this host, and no others."""
        links = {engine_id: self.links.engines.get(engine_id) for engine_id in message.engines or ()}
        own = tuple(engine_id for engine_id, link in links.items() if link is not None and self._host_of(link) is host)
        self.shutdown(Shutdown(engines=own, reason=message.reason))

    def shutdown(self, message: Shutdown) -> None:
        for engine_id in message.engines or ():
            link = self.links.engines.get(engine_id)
            if link is not None:
                link.dismissed = message.reason or "shut down by a client"
                link.connection.send(Shutdown(reason=link.dismissed))
        if message.controller:
            self.request_stop(message.reason or "shut down by a client")

    def answer(self, link: Link, ask: Ask) -> None:
        """Answer a question about the state, as JSON."""
        match ask.what:
            case "queue_status":
                data: object = (explain.queue_ids if ask.about == "verbose" else explain.queue_status)(self.state)
            case "explain":
                data = explain.explain(self.state, ask.about)
            case "steps":
                data = known_steps(self.config)
            case _:
                link.connection.send(
                    Answer(ask.number, error=f"this controller does not support the request {ask.what!r}")
                )
                return
        link.connection.send(Answer(ask.number, data=json.dumps(data, default=str)))


def _host_named(info: EngineInfo, host: bytes) -> bytes:
    """Return the instance of the host that started an engine, itself or by a launcher."""
    launch = parse_launch(info.launch)
    return host if launch is None else launch.host


def _lease_of(controller: Controller) -> Lease | None:
    config = controller.config
    if not config.host:
        return None
    return Lease(config.host, controller.links.hosts, seconds=config.lease, on_end=controller.request_stop)
