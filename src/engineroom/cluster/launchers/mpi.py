"""Engines as the ranks of one MPI world, and controllers, started by mpiexec."""

from __future__ import annotations

from engineroom.cluster.launchers.guarded import GuardedProcesses
from engineroom.cluster.launchers.launcher import Command
from engineroom.settings.launchers import MPILauncher

_FIXES = (
    ("not enough slots", "add '--oversubscribe' to c.MPILauncher.mpi_args, or ask for fewer engines with -n"),
    ("run as root", "start it as another user, or add '--allow-run-as-root' to c.MPILauncher.mpi_args"),
    ("can't be started", "install Open MPI or MPICH, or say where it is: c.MPILauncher.mpi_cmd = ['/path/to/mpiexec']"),
    (
        "exited without calling",
        "a process of this world ended before the others: the first lines of the output say which, and why",
    ),
)
"""What mpiexec says, in part, and what to do about it."""


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

    def explained(self, words: str) -> str:
        return explained(words)


def explained(words: str) -> str:
    """Return what mpiexec said, and what to do about it if that is known."""
    fix = next((fix for said, fix in _FIXES if said in words), "")
    return f"{words}\nTo fix it: {fix}" if fix else words
