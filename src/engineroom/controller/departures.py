"""Engines whose connection is gone: dead, reconnecting, or cut off?

A closed connection is a dead process, nearly always; the host that started the engine knows why it died,
and is given a moment to say it. An engine whose process is seen to live, or whose host would say that it does not,
was cut off by the network, as was one that fell silent: it may come back until `reconnect_timeout`.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from engineroom.controller.config import ControllerConfig
from engineroom.controller.links import Link, Links
from engineroom.controller.sight import is_seen, lives
from engineroom.ids import Instance
from engineroom.protocol.closing import Closing

CAUSE_SECONDS = 0.1
"""How long the cause of a death is waited for."""

HOST_SECONDS = 2.0
"""How long it is waited for where the engine's host will say it: the host may be busy, or on its way to us."""

TUNNEL_FACTOR = 5.0
"""How much longer an engine may take to come back if it may be its tunnel that died: ssh has to log in again."""

LOOK_EVERY = 0.5
"""How often the process of an engine of this machine that is cut off is looked for."""

_HOST_ENDED = "its ipcluster has ended"
_KEEP_CAUSES = 1000


class _Shell(Protocol):
    config: ControllerConfig
    links: Links

    def engine_away(self, link: Link) -> None: ...
    def engine_lost(self, link: Link, cause: str) -> None: ...


class Departures:
    """Decides when an engine whose connection closed counts as lost, and with which cause."""

    def __init__(self, shell: _Shell) -> None:
        self._shell = shell
        self._waiting: dict[Instance, tuple[Link, asyncio.TimerHandle]] = {}
        self._seen: dict[Instance, None] = {}  # those of them whose process was there when it was looked for
        self._causes: dict[Instance, str] = {}

    def closed(self, link: Link, closing: Closing) -> None:
        """The connection of this engine is gone."""
        instance, reason = Instance(link.identity), closing.words
        cause = self._causes.pop(instance, None)
        if cause is not None:
            self._shell.engine_lost(link, cause)
        elif closing.clean or link.dismissed:
            self._shell.engine_lost(link, link.dismissed or reason or "it left")
        elif is_seen(link):
            self._closed_here(link, reason)
        elif link.host in self._shell.links.hosts_that_left:
            self._shell.engine_lost(link, _HOST_ENDED)
        elif link.host or closing.cut:
            self._shell.engine_away(link)
            self._wait(link, self._shell.config.reconnect_timeout, f"connection lost: {reason}")
        else:
            self._shell.engine_away(link)
            grace = self._shell.config.reattach_grace
            seconds = grace * TUNNEL_FACTOR if link.tunnel else grace
            self._wait(link, seconds, f"connection lost: {reason}")

    def exited(self, instance: Instance, cause: str) -> None:
        """The host says that this engine's process has ended, and how."""
        self._seen.pop(instance, None)
        waiting = self._waiting.pop(instance, None)
        if waiting is None:
            self._causes[instance] = cause
            if len(self._causes) > _KEEP_CAUSES:
                del self._causes[next(iter(self._causes))]
            return
        link, timer = waiting
        timer.cancel()
        self._shell.engine_lost(link, cause)

    def host_left(self, host: bytes) -> None:
        """A host has said goodbye, and taken its engines along: those whose connection closed before that, too."""
        for instance, (link, timer) in tuple(self._waiting.items()):
            if link.host == host:
                timer.cancel()
                self._lose(instance, _HOST_ENDED)

    def host_cut_off(self, host: bytes) -> None:
        """The connection of a host is gone without a goodbye: it will not say now how its engines ended."""
        for link, timer in tuple(self._waiting.values()):
            if link.host == host and is_seen(link) and not lives(link):
                timer.cancel()
                self._wait(link, CAUSE_SECONDS, _ended(link))

    def returned(self, instance: Instance) -> None:
        """The engine has connected again."""
        self._seen.pop(instance, None)
        if (waiting := self._waiting.pop(instance, None)) is not None:
            waiting[1].cancel()

    def close(self) -> None:
        for _, timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()
        self._seen.clear()

    def _closed_here(self, link: Link, reason: str) -> None:
        if not lives(link):
            self._ask_for_cause(link)
            return
        self._shell.engine_away(link)
        # A process that is being killed closes its connections a moment before it counts as ended.
        until = asyncio.get_running_loop().time() + self._shell.config.reconnect_timeout
        self._look_after(CAUSE_SECONDS, link, until, reason)

    def _ask_for_cause(self, link: Link) -> None:
        """Its process has ended: wait for its host to say how, if it has one that may."""
        links = self._shell.links
        if link.host in links.hosts_that_left:
            self._shell.engine_lost(link, _HOST_ENDED)
            return
        host_tells = link.host and link.host not in links.hosts_cut_off
        self._wait(link, HOST_SECONDS if host_tells else CAUSE_SECONDS, _ended(link))

    def _look_after(self, seconds: float, link: Link, until: float, reason: str) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, self._look, link, until, reason)
        self._waiting[Instance(link.identity)] = (link, timer)
        self._seen[Instance(link.identity)] = None

    def _look_at_the_first(self) -> None:
        """Give up engines that were cut off before others, and have ended since they were looked for.

        Unless they have a host: that knows the cause, and is asked for it.
        """
        while (first := next(iter(self._seen), None)) is not None:
            link, timer = self._waiting[first]
            if link.host or lives(link):
                return
            timer.cancel()
            self._lose(first, _ended(link))

    def _look(self, link: Link, until: float, reason: str) -> None:
        left = until - asyncio.get_running_loop().time()
        if not lives(link):
            del self._waiting[Instance(link.identity)]
            self._ask_for_cause(link)
        elif left <= 0:
            self._give_up(Instance(link.identity), f"connection lost: {reason}")
        else:
            self._look_after(min(LOOK_EVERY, left), link, until, reason)

    def _wait(self, link: Link, seconds: float, cause: str) -> None:
        instance = Instance(link.identity)
        self._seen.pop(instance, None)
        timer = asyncio.get_running_loop().call_later(seconds, self._give_up, instance, cause)
        self._waiting[instance] = (link, timer)

    def _give_up(self, instance: Instance, cause: str) -> None:
        self._seen.pop(instance, None)
        self._look_at_the_first()  # they may have taken this one along
        self._lose(instance, cause)

    def _lose(self, instance: Instance, cause: str) -> None:
        self._seen.pop(instance, None)
        link, _ = self._waiting.pop(instance)
        self._shell.engine_lost(link, cause)


def _ended(link: Link) -> str:
    return f"its process ended (pid {link.info.pid} on {link.info.host})"
