"""A controller in a batch job ends by itself when the ipcluster that started it is gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Container

log = logging.getLogger(__name__)

_LOOKS = 10
"""How often within a lease it is looked whether the host is there."""


class Lease:
    """Calls `on_end(reason)` once `host` has not been among `hosts` for `seconds`."""

    def __init__(self, host: bytes, hosts: Container[bytes], *, seconds: float, on_end: Callable[[str], None]) -> None:
        self._host, self._hosts, self._seconds, self._on_end = host, hosts, seconds, on_end
        self._timer: asyncio.TimerHandle | None = None
        self._seen = 0.0
        self.over = False

    def begin(self) -> None:
        """Begin to look; the host has the whole of the lease to come."""
        self._seen = asyncio.get_running_loop().time()
        self._look()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        if self._host in self._hosts:
            self._seen = loop.time()
        elif loop.time() - self._seen >= self._seconds:
            self.over = True
            log.warning("the lease has expired: the ipcluster that started this controller is gone")
            self._on_end(f"the ipcluster that started this controller has been gone for {self._seconds:g} s")
            return
        self._timer = loop.call_later(max(self._seconds / _LOOKS, 0.05), self._look)
