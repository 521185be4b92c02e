"""A controller that is our child, or at the far end of one: it listens to its stdin, and ends with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

from engineroom.cluster.line.children import Child
from engineroom.cluster.records import pid_records
from engineroom.cluster.seats.seat import NoController, OnEnd
from engineroom.machine.pulse import Pulse


class DoesNotListen(NoController):
    """It ran, and took too long."""


class ControllerChild:
    """Tells it `line`, its plan, and hears where it listens."""

    def __init__(
        self,
        process: Popen[bytes],
        line: bytes,
        *,
        log_file: Path,
        seconds: float | None = None,
        on_words: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        """`seconds`: that it may take to listen; `on_words`: is handed what it says then, before `start` returns."""
        self._child = Child(process, "ipcontroller")
        self._line, self._log_file, self._on_words = line, log_file, on_words
        self._seconds = seconds
        self._pulse = Pulse()
        self._port = 0
        self._on_end: OnEnd | None = None

    async def start(self, on_end: OnEnd) -> None:
        self._on_end = on_end
        await self._child.attach(self._hear, self._ended)
        self._child.tell(self._line)
        if not await self._pulse.until(lambda: bool(self._port) or not self._child.running, self._seconds):
            self.kill()
            await self._child.ended()
            words = f"the controller (pid {self._child.process.pid}) is not listening after {self._seconds:g} s"
            raise DoesNotListen(f"{words}, and was killed; its log is {self._log_file}")
        if not self._port:
            await self._child.ended()  # with its last words
            same = self._child.process.returncode == pid_records.ALREADY_RUNNING
            words = " ".join(self._child.said) or f"the controller did not start: {self._child.end()}"
            raise NoController(words, pid_records.ALREADY_RUNNING if same else 1)

    def stop(self, reason: str) -> None:
        self._child.tell({"stop": reason})
        self._child.let_go()

    def kill(self) -> None:
        if self._child.running:
            self._child.process.kill()

    async def leave(self) -> None:
        await self._child.ended()

    async def ended(self) -> None:
        await self._child.ended()

    def state(self) -> dict[str, Any]:
        return {"pid": self._child.process.pid, "port": self._port, "output_file": str(self._log_file)}

    def _hear(self, line: bytes) -> None:
        words = json.loads(line)
        self._on_words(words)
        self._port = words["port"]
        self._pulse.beat()

    def _ended(self, child: Child) -> None:
        self._pulse.beat()
        if self._port and self._on_end is not None:
            clean = child.process.returncode == 0
            words = "the controller has stopped"
            self._on_end(words if clean else f"the {child.name} (pid {child.process.pid}) ended: {child.end()}", clean)
