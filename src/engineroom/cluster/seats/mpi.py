"""A controller that mpiexec started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from engineroom.cluster.launchers.guarded import telling
from engineroom.cluster.line.children import CONTROLLER
from engineroom.cluster.seats.child import ControllerChild, DoesNotListen
from engineroom.cluster.seats.seat import NoController, OnEnd
from engineroom.errors import LaunchError
from engineroom.machine.exits import cause_of
from engineroom.settings.launchers import MPIControllerLauncher


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
