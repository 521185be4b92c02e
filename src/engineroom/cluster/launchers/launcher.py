"""The interface of launchers: start a command, report its status, and stop it. A handle is plain JSON."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from engineroom.cluster.launchers.status import Handle, State, Status
from engineroom.errors import LaunchError
from engineroom.ids import Instance
from engineroom.settings.launcher_kinds import CONTROLLER, ENGINE
from engineroom.settings.profiles import Profile
from engineroom.trail.launches import VARIABLE, Launch, parse_launch

__all__ = [
    "CONTROLLER",
    "ENGINE",
    "Command",
    "Handle",
    "Launcher",
    "OnExit",
    "OneByOne",
    "Polled",
    "State",
    "Status",
    "as_text",
]


OnExit = Callable[[int, str, bool], None]
"""Called with the pid of a process that has ended, how, and whether by itself rather than by a signal from outside."""


class Command(msgspec.Struct, kw_only=True, frozen=True):
    """What to start, and what with."""

    role: str
    """What it is: "engine" or "controller"."""
    name: str
    """A short name, without spaces, also for the job."""
    argv: list[str]
    """The program and its arguments, as a process gets them."""
    n: int = 1
    """How many processes; of a controller one."""
    environment: dict[str, str] = {}
    """Variables to add to those of this process. They are never secret."""
    work_dir: str = ""
    """Working directory; "": that of this process."""
    log_file: str = ""
    """File for the output of the processes; "": nobody wants it."""
    profile_dir: str = ""
    """Directory of the profile, from which engines and controllers read their options and connection files."""
    cluster_id: str = ""
    """Which cluster of the profile."""

    @property
    def profile(self) -> Profile:
        """The profile in `profile_dir`."""
        return Profile(Path(self.profile_dir))

    @property
    def launch(self) -> Launch:
        """Which host has it started, and as which set; b"" and "" if its environment does not say."""
        return parse_launch(self.environment.get(VARIABLE, "")) or Launch(Instance(b""))

    def launched_by(self, host: Instance, name: str = "") -> Command:
        """Return the same command, whose processes are told that `host` has them started, as the set `name`."""
        launch = Launch(host, name, self.cluster_id, self.profile_dir)
        return msgspec.structs.replace(self, environment={**self.environment, VARIABLE: str(launch)})


def as_text(command: Command) -> str:
    """Return `command` for people: what is typed, and how many times."""
    return f"$ {shlex.join(command.argv)}{f'   # {command.n} times' if command.n != 1 else ''}"


class Launcher(Protocol):
    """One way to start processes. Its methods run in the host's event loop, so they must not block."""

    async def start(self, command: Command) -> Handle:
        """Start `command.n` processes and return their handle. LaunchError: they could not be started."""

    async def poll(self, handle: Handle) -> Status:
        """Return the status of `handle`: every second at first, later every 30 s. LaunchError: it can't be queried."""

    async def poll_all(self, handles: Sequence[Handle]) -> Sequence[Status | LaunchError]:
        """Return the status of each of `handles`, in their order, or why it can't be queried.

        It is called instead of `poll`. LaunchError: none can be queried.
        """
        ...

    async def signal(self, handle: Handle, signum: int) -> None:
        """Send the signal `signum` to all processes of `handle`. LaunchError: they could not be signalled."""

    async def stop(self, handle: Handle) -> None:
        """Stop the processes of `handle` and wait until they end.

        LaunchError: they did not within `stop_timeout` seconds.
        """

    def describe(self, command: Command) -> str | Coroutine[Any, Any, str]:
        """Return, for people, how `command` would be started; nothing is."""
        ...

    def tell(self, on_exit: OnExit) -> bool:
        """Have `on_exit` called when a process of this machine that it started has ended; False: it sees none end."""
        ...

    def ended(self, handle: Handle) -> Coroutine[Any, Any, Status] | None:
        """Return what waits until the processes of `handle` have ended, and returns how; None: only `poll` knows."""
        ...


class OneByOne:
    """What launchers have in common that can query one handle at a time."""

    async def poll(self, handle: Handle) -> Status:
        """As `Launcher.poll`."""
        raise NotImplementedError

    async def poll_all(self, handles: Sequence[Handle]) -> Sequence[Status | LaunchError]:
        """As `Launcher.poll_all`."""
        return [await self._status(handle) for handle in handles]

    async def _status(self, handle: Handle) -> Status | LaunchError:
        try:
            return await self.poll(handle)
        except LaunchError as error:
            return error


class Polled(OneByOne):
    """What launchers have in common that see no process end: they are asked for a status, again and again."""

    def tell(self, on_exit: OnExit) -> bool:
        """As `Launcher.tell`: nobody is told."""
        del on_exit
        return False

    def ended(self, handle: Handle) -> None:
        """As `Launcher.ended`: nobody knows at once."""
