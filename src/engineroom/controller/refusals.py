"""Peers that were sent away for what they said: a line in the log now and then, however many they are."""

from __future__ import annotations

import logging
import time

from engineroom.controller.links import Link

log = logging.getLogger(__name__)

SECONDS = 10.0
"""There is one line in this time at most."""


class Refusals:
    """Notes them."""

    def __init__(self) -> None:
        self._quiet_until = 0.0
        self._unsaid = 0

    def note(self, link: Link, words: str) -> None:
        """The connection of this peer was ended, because of what `words` say."""
        now = time.monotonic()
        if now < self._quiet_until:
            self._unsaid += 1
            return
        self._quiet_until = now + SECONDS
        more, self._unsaid = self._unsaid, 0
        who = {"role": link.role, "engine": link.engine_id} if link.role == "engine" else {"role": link.role}
        log.warning("a connection was ended: %s", words[:500], extra={**who, "not_logged_before": more})
