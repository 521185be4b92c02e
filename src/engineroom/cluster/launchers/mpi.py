"""Engines as the ranks of one MPI world, and controllers, started by mpiexec."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from engineroom.cluster.children import CONTROLLER, cause_of
from engineroom.cluster.controller_child import ControllerChild, DoesNotListen
from engineroom.cluster.controller_seat import NoController, OnEnd
from engineroom.cluster.launchers.guarded import GuardedProcesses, telling
from engineroom.cluster.launchers.launcher import Command
from engineroom.errors import LaunchError
from engineroom.settings.launchers import MPIControllerLauncher, MPILauncher
from engineroom.trail.launches import VARIABLE


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


class MPIController(ControllerChild):
    """A controller at the far end of mpiexec, which passes its stdin and stdout on."""

    def __init__(self, options: MPIControllerLauncher, line: bytes, *, log_file: Path) -> None:
        """`line`: its plan. LaunchError: mpiexec can't be started."""
        self._output_limit = options.output_limit
        variables = [f"{name}={value}" for name, value in options.environment.items()]
        argv = [*options.mpi_cmd, *options.mpi_args, "-n", "1", *(["env", *variables] if variables else [])]
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(
                [*argv, sys.executable, "-P", "-m", CONTROLLER],
                env={**os.environ, **options.environment},
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise LaunchError(f"{argv[0]} can't be started: {error.strerror or error}") from error
        super().__init__(process, line, log_file=log_file, seconds=options.connection_info_timeout)

    async def start(self, on_end: OnEnd) -> None:
        try:
            await super().start(on_end)
        except DoesNotListen:
            raise
        except NoController as error:
            said = telling(self._child.said, self._output_limit)
            words = f"the controller did not start: mpiexec: {cause_of(self._child.process.returncode)}"
            raise NoController(f"{words}; it said:\n{said}" if said else words, error.code) from None

    def _hear(self, line: bytes) -> None:
        if line.startswith(b"{"):  # else it is mpiexec that has something to say
            super()._hear(line)
