"""Engines as the ranks of one MPI world, started by mpiexec."""

from __future__ import annotations

import shlex
from typing import Any

from engineroom.cluster.launchers.guarded import GuardedProcesses
from engineroom.cluster.launchers.launcher import Command
from engineroom.settings.launchers import MPILauncher
from engineroom.trail.launches import VARIABLE


def mpi_ranks(options: MPILauncher, shared: dict[str, Any]) -> MPIRanks:
    """Return what starts ranks, as `options` say."""
    del shared
    return MPIRanks(options)


class MPIRanks(GuardedProcesses):
    """Starts all processes of a command as one world."""

    name = "mpiexec"

    def __init__(self, options: MPILauncher) -> None:
        super().__init__(options)
        self._mpi = [*options.mpi_cmd, *options.mpi_args]

    def arguments(self, command: Command) -> tuple[list[str], int]:
        # By `env`, for not every mpiexec takes its own environment along to other machines.
        variables = [f"{name}={value}" for name, value in command.environment.items()]
        return [*self._mpi, "-n", str(command.n), *(["env", *variables] if variables else []), *command.argv], 1

    def describe(self, command: Command) -> str:
        """Return, for people, what would be started."""
        return f"$ {shlex.join(self.arguments(command)[0])}"

    def environment(self, command: Command) -> dict[str, str]:
        # The mark by which signals find engines is not mpiexec's.
        return {name: value for name, value in command.environment.items() if name != VARIABLE}
