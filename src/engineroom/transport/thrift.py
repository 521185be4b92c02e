"""Gives memory back that was needed for a while, once there is nothing else to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engineroom.machine import memory

WORTH = 32 << 20
"""So many bytes must have passed through, or must be kept."""

QUIET = 1.0
"""Seconds without any change."""

LATEST = 10
"""After so many times `quiet` it is done in any case."""


class Thrift:
    """Notes payloads that pass through this process; it has a timer only while there is something to give back.

    A connection that has one notes what it brings and sends in streams.
    """

    def __init__(
        self, kept: Callable[[], int], *, tune: bool = False, reuse: bool = False, quiet: float = QUIET
    ) -> None:
        """`kept()`: bytes that are kept for others now, and may be let go at any time. `tune`: no user code runs in
        this process, so how memory is allocated is our business alone. `reuse`: while much passes, what is freed is
        kept to be used again. `quiet`: seconds without any change."""
        self._kept, self._tune, self._reuse, self._quiet = kept, tune, reuse, quiet
        self._reusing = False
        self._passed = self._counted = self._looks = 0
        self._seen = (0, 0)
        self._timer: asyncio.TimerHandle | None = None
        self._apart = self._due = False

    def passed(self, size: int) -> None:
        """Note that `size` bytes have come."""
        self._passed += size
        if self._passed - self._counted > WORTH:
            self._counted = self._passed
            if self._tune:
                self._keep_apart(apart=self._kept() > 2 * WORTH)
            if self._reuse and not self._reusing:
                self._reusing = memory.keep_freed()
            if self._timer is None:
                self._look_soon()

    def close(self) -> None:
        """Give nothing back any more, and keep nothing."""
        if self._timer is not None:
            self._timer.cancel()
        self._keep_little()

    def _keep_little(self) -> None:
        if self._reusing:
            self._reusing = False
            memory.keep_little()

    def _keep_apart(self, *, apart: bool) -> None:
        if apart is not self._apart:
            self._apart = apart
            memory.keep_large_apart(apart=apart)

    def _look_soon(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._quiet, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._passed, self._kept()
        changed, self._seen = now != self._seen, now
        self._due = self._due or changed
        self._looks = self._looks + 1 if changed else LATEST
        if self._looks < LATEST:
            self._look_soon()
            return
        self._looks = 0
        self._keep_little()
        if self._due or self._passed:
            memory.give_back()
        self._due = False
        self._passed, self._counted, self._seen = 0, 0, (0, self._seen[1])
        if self._seen[1] > WORTH:  # what is kept will be let go one day
            self._look_soon()
