"""What every launcher does: start a command, say how it is, stop it. What it started is plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Protocol

import msgspec

Handle = dict[str, Any]
"""What was started, as JSON values, so that another process can poll and stop it."""


class Command(msgspec.Struct, kw_only=True, frozen=True):
    """What to start. `environment`: variables on top of ours; `descriptors`: files that it inherits; `errors`:
    file to which its stderr goes, None: nowhere."""

    argv: Sequence[str]
    environment: dict[str, str] = {}
    work_dir: str = ""
    descriptors: tuple[int, ...] = ()
    errors: int | None = None


class State(Enum):
    RUNNING = "running"
    WAITING = "waiting"
    ENDED = "ended"


class Status(msgspec.Struct, frozen=True):
    """How it is with what was started. `words`: why it waits, or how it ended, as far as that is known."""

    state: State
    words: str = ""


class Launcher(Protocol):
    """One way to start processes."""

    async def start(self, command: Command) -> Handle:
        """Start `command`; LaunchError says why it can't be."""

    async def poll(self, handle: Handle) -> Status: ...

    async def stop(self, handle: Handle) -> None:
        """Stop it; returns when it has ended."""
