"""What a launcher says of what it has started."""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

Handle = dict[str, Any]
"""Identifies what was started, in JSON values, so that another process can poll and stop it."""


class State(Enum):
    RUNNING = "running"
    WAITING = "waiting"
    ENDED = "ended"


class Status(msgspec.Struct, frozen=True):
    """The status of what was started. `words`: why it is waiting or how it ended, if known; `ended`: how many of its
    processes have certainly ended while others are still running; no engines are expected from these."""

    state: State
    words: str = ""
    ended: int = 0
