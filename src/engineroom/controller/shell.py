"""The shell: passes events from connections to the core, and the core's actions to connections."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from engineroom.controller.admission import Admission
from engineroom.controller.bodies import Bodies
from engineroom.controller.config import ControllerConfig
from engineroom.controller.endings import Endings
from engineroom.controller.faults import Faults
from engineroom.controller.identity import Identity
from engineroom.controller.links import Link, Links
from engineroom.controller.names import NameQuestions
from engineroom.controller.presence import Presence
from engineroom.controller.recording.recorder import Recorder
from engineroom.controller.refusals import Refusals
from engineroom.controller.restarts import Restarts
from engineroom.controller.signals import Signals
from engineroom.controller.sockets import socket_path
from engineroom.controller.steps import Door
from engineroom.core.actions import Accept, Action, DropBody, DropFunction, DropSession, Send, ToPeer, WakeAt
from engineroom.core.events import Event, Tick
from engineroom.core.interrupts import interrupt_first
from engineroom.core.not_allowed import NotAllowedError
from engineroom.core.reactor import handle
from engineroom.core.state import ControllerState
from engineroom.ids import Peer, new_epoch
from engineroom.protocol.messages import Refused, Run, Shutdown
from engineroom.trail.stops import is_on_purpose
from engineroom.transport.connection import Connection
from engineroom.transport.listener import Listener
from engineroom.transport.tls import controller_context

log = logging.getLogger(__name__)

_ABOUT_BYTES = {Accept, DropBody, DropFunction, DropSession}


class Controller:
    """A controller of one cluster: `start`, then `run_until_stopped`."""

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        self.identity = Identity(config)
        self.epoch = new_epoch()
        self.state = ControllerState(config.limits)
        self.links = Links()
        self.port = 0
        self.bodies = Bodies(self)
        self._functions = self.bodies.functions
        self.signals = Signals(self.links, partial(interrupt_first, self.state))
        self.restarts = Restarts(self.links, self.state)
        self.names = NameQuestions(self.links)
        self.recorder = Recorder(self)
        self.endings = Endings(self.feed, partial(self.request_stop, for_good=True))
        self.presence = Presence(self)
        self.faults, self.refusals = Faults(self), Refusals()
        self._rng = random.Random()
        self._timer: asyncio.TimerHandle | None = None
        self._touched: set[Connection] | None = None
        self._prompt_already = False
        self._stopped = asyncio.Event()
        self._listener: Listener | None = None
        self.stop_reason = ""
        self._comes_back = self._for_good = False

    async def start(self) -> None:
        """Listen, then write the connection files: who finds them can connect.

        LaunchError, ConnectionFileError, OSError: said in words what is in the way.
        """
        self.enter_loop()
        self.identity.load()
        self.recorder.open(self.config.store, self.identity.life, self.identity.cluster)
        if self.identity.restored.life:
            self.feed(Peer(0), self.identity.restored)
        self.recorder.restoring.begin(returns=self.identity.restored.life > 0, drop=self.config.drop_unfinished)
        context = controller_context(self.identity.certificate_file, self.identity.key_file)
        self._listener = Listener(
            keys=self.identity.keys,
            cluster_id=self.config.cluster_id,
            context=context,
            certificate=self.identity.certificate,
            admit=Admission(self).admit,
            silent=self.config.silent,
            book=Door(self.config),
        )
        self.port = self._listener.listen_tcp(self.identity.bind_hosts(), self.identity.ports)
        self._listen_unix(self._listener)
        self.identity.write_files(self.port, self._listener.unix_path)
        self.presence.begin()

    def enter_loop(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Live in `loop`, by default the event loop that runs: its time is the core's."""
        self._loop = loop or asyncio.get_running_loop()

    def time(self) -> float:
        """Return the core's time."""
        return self._loop.time()

    def call_soon(self, act: Callable[..., object], *arguments: object) -> None:
        """Have `act` called in the loop, by whichever thread; not once that has ended."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(act, *arguments)

    def _listen_unix(self, listener: Listener) -> None:
        try:
            listener.listen_unix(socket_path(Path(self.config.security_dir), self.config.cluster_id))
        except OSError as error:
            # Peers on this machine go by TCP then; slower, nothing else.
            log.warning("not listening on a Unix socket: %s", error)

    async def run_until_stopped(self) -> None:
        await self._stopped.wait()

    def request_stop(self, reason: str, *, comes_back: bool = False, for_good: bool = False) -> None:
        """Have `run_until_stopped` return; `comes_back`: engines and clients may wait for another start. `for_good`:
        somebody wants the cluster to end, and its tasks with it; the `reason` may say so, too."""
        if not self._stopped.is_set():
            self.stop_reason, self._comes_back = reason, comes_back
            self._for_good = not comes_back and (for_good or is_on_purpose(reason))
            self._stopped.set()

    async def stop(self) -> None:
        """Tell all peers, close everything, remove the files."""
        reason = self.stop_reason or "the controller was stopped"
        self.recorder.ending(for_good=self._for_good)
        if self._listener is not None:
            self._listener.close()
        if self._timer is not None:
            self._timer.cancel()
        self.bodies.thrift.close()
        for link in tuple(self.links.by_peer.values()):
            if self._comes_back:
                link.connection.abort(reason)
                continue
            if link.role in {"engine", "host"}:
                link.connection.send(Shutdown(reason=reason))
            else:
                link.connection.send(Refused(reason))
            link.connection.close(reason)
        if not self._comes_back:
            self.identity.known_engines.none_left()
        self.identity.remove_files()
        await self.recorder.close()
        await asyncio.sleep(0)

    @property
    def unix_path(self) -> str:
        """The Unix socket at which it listens, "" for none."""
        return "" if self._listener is None else self._listener.unix_path

    @property
    def abandoned(self) -> bool:
        """Whether it stopped because the host that had it started is gone."""
        return self.presence.abandoned

    def begin_promptly(self) -> bool:
        """Note who is sent something from now on; False: others have come in this tick, so nothing is a lone call..."""
        if self._prompt_already:
            return False
        self._prompt_already = True
        self._touched = set()
        return True

    def _next_tick(self) -> None:
        self._prompt_already = False

    def end_promptly(self) -> None:
        """... and write it at once: what comes of a lone call need not wait for the end of the loop's tick."""
        touched, self._touched = self._touched, None
        for connection in touched or ():
            connection.flush()
        self._loop.call_soon(self._next_tick)

    def feed(self, peer: Peer, event: Event) -> None:
        """Let the core handle `event`, and do what it says."""
        try:
            actions = handle(self.state, peer, event, now=self._loop.time(), rng=self._rng)
        except Exception as error:  # noqa: BLE001 (told there)
            actions = self._after(error, peer, event)
        self.perform(actions)

    def decide(self, peer: Peer, event: Event) -> list[Action]:
        """Let the core handle `event`; return what it says, for `perform`."""
        try:
            return handle(self.state, peer, event, now=self._loop.time(), rng=self._rng)
        except Exception as error:  # noqa: BLE001 (told there)
            return self._after(error, peer, event)

    def _after(self, error: Exception, peer: Peer, event: Event) -> list[Action]:
        """Return what is to be done when the core could not handle `event`."""
        if isinstance(error, NotAllowedError):
            self.refuse(peer, str(error))
            return []
        # A mistake of ours, logged there; not all are to pay for it.
        return self.faults.in_core(peer, event, error)

    def look_at_the_clock(self) -> None:
        """Have the state know what time it is, for whoever is told of it."""
        self.state.now = self._loop.time()

    def refuse(self, peer: Peer, words: str) -> None:
        """Send a peer away that said what it may not say."""
        if (link := self.links.by_peer.get(peer)) is not None:
            link.connection.refuse(words)

    def perform(self, actions: Iterable[Action]) -> None:
        by_peer = self.links.by_peer
        for action in actions:
            if type(action) is Send:
                if (link := by_peer.get(action.peer)) is not None:
                    message = action.message
                    if action.body is not None or type(message) is Run:
                        self._send(link, message, action.body)
                    elif self._touched is None:
                        link.connection.send(message)
                    else:
                        self._touched.add(link.connection)
                        link.connection.add(message)
            elif type(action) is WakeAt:
                self._wake_at(action.time)
            elif type(action) in _ABOUT_BYTES:
                self.bodies.perform(action)
            else:
                self.presence.perform(action)

    def _send(self, link: Link, message: ToPeer, body: object) -> None:
        if type(message) is Run and (digest := message.call.function):
            function = self._functions.to_send(link.peer, digest)
            if function is not None:
                self.bodies.send_function(link, *function)
        if body is not None:
            self.bodies.send_long(link, message, body)
        elif self._touched is None:
            link.connection.send(message)
        else:
            self._touched.add(link.connection)
            link.connection.add(message)

    def _wake_at(self, when: float) -> None:
        if self._timer is not None and self._timer.when() <= when and not self._timer.cancelled():
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.feed(Peer(0), Tick())
        self.recorder.take()
