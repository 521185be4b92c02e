"""What every launcher does: start a command, say how it is, stop it. What it started is plain JSON."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec

from engineroom.settings.profiles import Profile

Handle = dict[str, Any]
"""What was started, as JSON values, so that another process can poll and stop it."""

ENGINE, CONTROLLER = "engine", "controller"


class Command(msgspec.Struct, kw_only=True, frozen=True):
    """What to start: `n` processes of `argv`. `role`: ENGINE or CONTROLLER; `name`: short, for people and queues;
    `environment`: variables on top of ours, none of them secret; `work_dir`: "" for ours; `log_file`: where what
    they print goes."""

    role: str
    name: str
    argv: list[str]
    n: int = 1
    environment: dict[str, str] = {}
    work_dir: str = ""
    log_file: str = ""
    profile_dir: str = ""
    cluster_id: str = ""

    @property
    def profile(self) -> Profile:
        return Profile(Path(self.profile_dir))


class State(Enum):
    RUNNING = "running"
    WAITING = "waiting"
    ENDED = "ended"


class Status(msgspec.Struct, frozen=True):
    """How it is with what was started. `words`: why it waits, or how it ended, as far as that is known; `ended`: how
    many of its processes have certainly ended while others have not, so that no engine is to come of these."""

    state: State
    words: str = ""
    ended: int = 0


class Launcher(Protocol):
    """One way to start processes. Its methods run in the host's event loop, so they must not block."""

    async def start(self, command: Command) -> Handle:
        """Start `command.n` processes; LaunchError says why they can't be."""

    async def poll(self, handle: Handle) -> Status:
        """Return how it is; asked every second at first, and every 30 s later on."""

    async def signal(self, handle: Handle, signum: int) -> None:
        """Send a signal to all processes of `handle`; LaunchError if that can't be done."""

    async def stop(self, handle: Handle) -> None:
        """Stop it; returns when it has ended, LaunchError if that can't be seen within `stop_timeout`."""


@runtime_checkable
class Telling(Protocol):
    """What a launcher has, too, that sees each process end."""

    def tell(self, on_exit: Callable[[int, str, bool], None]) -> None:
        """Call `on_exit(pid, how, own)`, from now on, when a process of this machine that it started has ended; `own`:
        by its own doing (it exited or crashed), not by a signal from outside."""


@runtime_checkable
class Watchful(Protocol):
    """What a launcher has, too, that knows at once when what it started ends."""

    async def ended(self, handle: Handle) -> Status:
        """Return, when it has ended, how."""
        ...
