"""What a host asks of whatever looks after its engines: its own spawner, a launcher, hosts on other machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from engineroom.cluster.line.messages import Report
from engineroom.cluster.sets.hosted import HostedEngines
from engineroom.ids import Instance
from engineroom.protocol.messages import Coming, EngineExited


class EnginesHost(Protocol):
    """What sets of engines ask of their host."""

    @property
    def instance(self) -> Instance: ...
    @property
    def report(self) -> Callable[[Report], None]:
        """Tells whoever watches."""
        ...

    def engines_changed(self) -> None:
        """What the controller knows, or the cluster file says, of engines is no longer so."""

    def engine_exited(self, exited: EngineExited) -> None:
        """The process of an engine has ended: the controller is told at once."""

    def process_exited(self, pid: int, cause: str, *, own: bool) -> None:
        """A process of this machine that a launcher started has ended; `own`: by its own doing."""

    def dismiss_engines(self, engine_ids: Sequence[int]) -> None:
        """Have the controller, if it is there, tell engines to end."""

    def relay_signal(self, engine_ids: Sequence[int], signum: int) -> bool:
        """Have the controller send a signal, in order with what engines are sent; False: it is not there."""
        ...

    def fail(self, reason: str) -> None:
        """Stop everything: something that is needed is gone."""


class EngineSets(Protocol):
    """The engines of a host, in sets."""

    engines: HostedEngines

    async def start(self, n: int, name: str = "") -> tuple[str, str]:
        """Start `n` engines; return the name of their set and, "" or in words, what is wrong with some of them.

        They have all registered then, or ended, or taken too long. LaunchError: none came.
        """
        ...

    async def stop(self, name: str = "") -> None:
        """Stop the engines of the set `name`, or all; returns when they have ended. LaunchError: no such set."""

    async def restart(self, name: str = "") -> str:
        """Stop the engines of the set `name`, or all, and start them again; return what is wrong, as `start`."""
        ...

    async def signal(self, signum: int, name: str = "") -> None:
        """Send a signal to the engines of the set `name`, or to all; LaunchError: some can't be sent any."""

    def signal_instance(self, instance: Instance, signum: int) -> None:
        """Send a signal to one engine."""

    def restart_instances(self, instances: Sequence[Instance]) -> None:
        """Have engines end and start again, in the background; those of a launcher by whole sets."""

    def joined(self, instance: Instance, engine_id: int, launch: str) -> None:
        """The controller has let an engine in."""

    def left(self, instance: Instance, cause: str) -> None:
        """The controller has lost an engine that a launcher started."""

    def coming(self) -> Coming:
        """Return how many engines have not joined yet, and are to; `engines_changed` is called when that changes."""
        ...

    def handles(self) -> dict[str, Any]:
        """Return, by set, what launchers have started: the cluster file has it, so that others can stop it too."""
        ...

    def close(self) -> None:
        """Have all engines end."""

    async def ended(self) -> None:
        """Wait, after `close`, until all engines have ended. LaunchError: it can't be seen that they have."""

    def kill(self) -> None:
        """End them at once, as far as that can be done."""
