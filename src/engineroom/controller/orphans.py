"""Engines whose host was killed: if no pipe tells them, as in a batch job, the controller stops them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from engineroom.controller.links import Link, Links
from engineroom.protocol.launches import parse_launch
from engineroom.protocol.messages import Shutdown

log = logging.getLogger(__name__)


class Orphans:
    """Has engines end whose host, which had a launcher start them, has not come back for `seconds`."""

    def __init__(self, links: Links, *, seconds: float) -> None:
        self._links, self._seconds = links, seconds
        self._timers: dict[bytes, asyncio.TimerHandle] = {}

    def host_left(self, host: bytes) -> None:
        """A host's connection is gone, and it had not said that it would go."""
        self._forget(host)
        if any(self._engines_of(host)):
            self._timers[host] = asyncio.get_running_loop().call_later(self._seconds, self._end, host)

    def engine_came(self, launch: str) -> None:
        """An engine has registered, perhaps long after its host was killed: its job may have waited in a queue."""
        told = parse_launch(launch)
        if told is not None and told.host not in self._links.hosts and told.host not in self._timers:
            self.host_left(told.host)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _forget(self, host: bytes) -> None:
        if (timer := self._timers.pop(host, None)) is not None:
            timer.cancel()

    def _end(self, host: bytes) -> None:
        del self._timers[host]
        if host in self._links.hosts:
            return
        reason = f"the ipcluster that started this engine has been gone for {self._seconds:g} s"
        for engine in self._engines_of(host):
            log.warning("stopping an engine because its ipcluster is gone", extra={"engine": engine.engine_id})
            engine.connection.send(Shutdown(reason=reason))

    def _engines_of(self, host: bytes) -> Iterable[Link]:
        for engine in self._links.with_role("engine"):
            launch = parse_launch(engine.info.launch)
            if launch is not None and launch.host == host:
                yield engine
