"""What a launcher says of what it has started."""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

Handle = dict[str, Any]
"""Identifies what was started, in JSON values, so that another process can poll and stop it.

Its "words", if it has any, say what was started: "Slurm job 17". `ipcluster why` shows them.
"""


class State(Enum):
    """Whether what was started waits, as in a queue, runs, or has ended."""

    RUNNING = "running"
    WAITING = "waiting"
    ENDED = "ended"


class Status(msgspec.Struct, frozen=True):
    """The status of what was started."""

    state: State
    """Waiting as long as a part of it waits, then running as long as a part of it runs, then ended."""
    words: str = ""
    """Why it is waiting or how it ended, if known."""
    ended: int = 0
    """How many of its processes have certainly ended while others are running; no engines are expected from these."""
    fix: str = ""
    """What to do about it, if known; `ipcluster why` shows it."""
