"""The interface of launchers: start a command, report its status, and stop it. A handle is plain JSON."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec

from engineroom.cluster.launchers.status import Handle, State, Status
from engineroom.settings.launcher_kinds import CONTROLLER, ENGINE
from engineroom.settings.profiles import Profile

__all__ = [
    "CONTROLLER",
    "ENGINE",
    "Command",
    "Handle",
    "Launcher",
    "State",
    "Status",
    "Telling",
    "Watchful",
    "as_text",
]


class Command(msgspec.Struct, kw_only=True, frozen=True):
    """What to start: `n` processes of `argv`. `role`: ENGINE or CONTROLLER; `name`: a short name, also of the job;
    `environment`: variables to add to this process's, never secrets; `work_dir`: working directory, "": this
    process's; `log_file`: file for the output of the processes."""

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


def as_text(command: Command) -> str:
    """Return `command` for people: what is typed, and how many times."""
    return f"$ {shlex.join(command.argv)}{f'   # {command.n} times' if command.n != 1 else ''}"


class Launcher(Protocol):
    """One way to start processes. Its methods run in the host's event loop, so they must not block."""

    async def start(self, command: Command) -> Handle:
        """Start `command.n` processes and return their handle. LaunchError: they could not be started."""

    async def poll(self, handle: Handle) -> Status:
        """Return the status. It is polled every second at first, later every 30 s."""

    async def signal(self, handle: Handle, signum: int) -> None:
        """Send a signal to all processes of `handle`. LaunchError: they could not be signalled."""

    async def stop(self, handle: Handle) -> None:
        """Stop the processes and wait until they end. LaunchError: they did not within `stop_timeout` seconds."""

    def describe(self, command: Command) -> str | Coroutine[Any, Any, str]:
        """Return, for people, how `command` would be started; nothing is."""
        ...


@runtime_checkable
class Telling(Protocol):
    """The additional interface of a launcher that sees each process end."""

    def tell(self, on_exit: Callable[[int, str, bool], None]) -> None:
        """From now on, call `on_exit(pid, how, own)` when a local process that this launcher started has ended; `own`:
        it exited or crashed by itself, rather than by a signal from outside."""


@runtime_checkable
class Watchful(Protocol):
    """The additional interface of a launcher that knows at once when its processes end."""

    async def ended(self, handle: Handle) -> Status:
        """Wait until the processes have ended and return how."""
        ...
