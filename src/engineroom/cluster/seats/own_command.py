"""A controller started by a command of the user's own: it is known by the connection files that it writes."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engineroom.cluster.seats.seat import NoController, OnEnd
from engineroom.errors import ConnectionFileError
from engineroom.machine.exits import cause_of, exit_of_child
from engineroom.machine.logs import end_of
from engineroom.machine.own_files import append_to
from engineroom.protocol.connection_files import read_connection_file

_LOOK_EVERY = 0.1


class CommandSeat:
    """Runs `argv`, and waits until it has written `files`."""

    def __init__(self, argv: Sequence[str], files: Sequence[Path], *, log_file: Path, seconds: float) -> None:
        self._argv, self._files, self._log_file, self._seconds = list(argv), files, log_file, seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._port = 0

    async def start(self, on_end: OnEnd) -> None:
        began = time.time() - 1.0
        self._process = process = self._run()
        self._watch = asyncio.ensure_future(self._wait(process, on_end))
        deadline = asyncio.get_running_loop().time() + self._seconds
        while not all(_is_new(file, began) for file in self._files):
            if process.poll() is not None:
                raise NoController(f"{self._argv[0]} ended: {cause_of(process.returncode)}. It said: {self._said()}")
            if asyncio.get_running_loop().time() > deadline:
                raise NoController(f"{self._argv[0]} wrote no {self._files[0]} within {self._seconds:g} s")
            await asyncio.sleep(_LOOK_EVERY)
        self._port = read_connection_file(self._files[0]).port

    def stop(self, reason: str) -> None:
        del reason
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    async def leave(self) -> None:
        await self.ended()

    async def ended(self) -> None:
        if self._watch is not None:
            await self._watch

    def state(self) -> dict[str, Any]:
        pid = 0 if self._process is None else self._process.pid
        return {"pid": pid, "port": self._port, "output_file": str(self._log_file)}

    def _run(self) -> subprocess.Popen[bytes]:
        try:
            with open(append_to(self._log_file, anew=True), "wb") as output:
                return subprocess.Popen(self._argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        except OSError as error:
            raise NoController(f"{self._argv[0]} can't be started: {error.strerror or error}") from None

    async def _wait(self, process: subprocess.Popen[bytes], on_end: OnEnd) -> None:
        await exit_of_child(process)
        if self._port:
            on_end(f"the controller ended: {cause_of(process.returncode)}", process.returncode == 0)

    def _said(self) -> str:
        return " ".join(end_of(self._log_file).splitlines()[-5:])


def _is_new(path: Path, began: float) -> bool:
    try:
        read_connection_file(path)
        return path.stat().st_mtime >= began
    except (ConnectionFileError, OSError):
        return False
