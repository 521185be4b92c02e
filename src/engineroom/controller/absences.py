"""Hosts whose connection is gone: how long the engines that they announced are still expected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engineroom.controller.config import ControllerConfig
from engineroom.controller.departures import TUNNEL_FACTOR
from engineroom.controller.links import Link
from engineroom.core.events import HostGone
from engineroom.ids import Peer
from engineroom.protocol.closing import Closing
from engineroom.protocol.processes import start_time


class Absences:
    """Tells the core that a host is gone for good: at once, or once it has had the time to connect again."""

    def __init__(self, config: ControllerConfig, feed: Callable[[Peer, HostGone], None]) -> None:
        self._config, self._feed = config, feed
        self._timers: dict[bytes, asyncio.TimerHandle] = {}

    def begin(self, host: Link, closing: Closing) -> None:
        """The connection of `host` is gone."""
        self.end(host.identity)
        seconds = 0.0 if closing.clean else self._patience(host, closing)
        if seconds <= 0:
            self._gone(host)
        else:
            self._timers[host.identity] = asyncio.get_running_loop().call_later(seconds, self._gone, host)

    def end(self, identity: bytes) -> None:
        """The host is there again; no harm if it was not away."""
        if (timer := self._timers.pop(identity, None)) is not None:
            timer.cancel()

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _patience(self, host: Link, closing: Closing) -> float:
        pid = host.connection.peer_pid
        if pid is not None and start_time(pid) is None:
            return 0.0
        if closing.cut:
            return self._config.reconnect_timeout
        return self._config.reattach_grace * (TUNNEL_FACTOR if host.tunnel else 1.0)

    def _gone(self, host: Link) -> None:
        self._timers.pop(host.identity, None)
        self._feed(host.peer, HostGone(host.identity))
