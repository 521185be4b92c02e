"""What runs until it is told to stop."""

from __future__ import annotations

import logging

from engineroom.machine.pulse import Pulse
from engineroom.trail.stops import BY_OWNER

log = logging.getLogger(__name__)


class Stoppable:
    """Is told to stop by anybody, and keeps the first reason."""

    def __init__(self) -> None:
        self._pulse = Pulse()
        self._stop_reason: str | None = None

    @property
    def stopping(self) -> bool:
        return self._stop_reason is not None

    def stop(self, reason: str) -> None:
        """Have `run` end everything and return."""
        if self._stop_reason is None:
            log.info("stopping", extra={"reason": reason})
            self._stop_reason = reason
            self._pulse.beat()

    async def told_to_stop(self) -> None:
        """Return when it is to stop."""
        await self._pulse.until(lambda: self.stopping)

    def _final_reason(self) -> str:
        """Return why everything ends, now for certain."""
        if self._stop_reason is None:
            self._stop_reason = BY_OWNER
        return self._stop_reason
