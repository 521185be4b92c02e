"""The processes of a host: started before anything heavy is imported, told what to do by lines of JSON.

A child reads its stdin; the end of it means that the host is gone, and the child ends as well.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from engineroom.machine.exits import cause_of, exit_of_child

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

CONTROLLER = "engineroom.cluster.seats"
SPAWNER = "engineroom.engine.spawner"

_LAST_WORDS = 0.2
"""Seconds that are waited for what a child that has ended said last."""

_SAID = 20
"""Lines of a child's stderr that are kept, to say what it died of."""


def start(module: str) -> subprocess.Popen[bytes]:
    """Start `module` in a session of its own: a Ctrl-C in the terminal is for the host alone."""
    # -P: a random.py in the working directory is not meant for us.
    command = [sys.executable, "-P", "-m", module]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, bufsize=0)


class Child:
    """A started process, attached to the running loop: lines in, lines out, and how it ended."""

    def __init__(self, process: subprocess.Popen[bytes], name: str) -> None:
        self.process, self.name = process, name
        self.said: list[str] = []
        self._stdin: asyncio.WriteTransport | None = None
        self._transports: list[asyncio.BaseTransport] = []
        self._watch: asyncio.Task[None] | None = None
        self._silent: list[asyncio.Future[None]] = []

    async def attach(self, on_line: Callable[[bytes], None], on_exit: Callable[[Child], None]) -> None:
        """Hand each line of stdout to `on_line`, and call `on_exit(self)` once the process has ended."""
        import asyncio  # the start of the process does not wait for it

        from engineroom.cluster.line.codec import LineReceiver

        loop = asyncio.get_running_loop()
        stdin, stdout, stderr = self.process.stdin, self.process.stdout, self.process.stderr
        assert stdin is not None
        assert stdout is not None
        assert stderr is not None
        self._stdin, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, stdin)
        silent = self._silent = [loop.create_future(), loop.create_future()]
        output, _ = await loop.connect_read_pipe(lambda: LineReceiver(on_line, partial(_settle, silent[0])), stdout)
        errors, _ = await loop.connect_read_pipe(lambda: LineReceiver(self._hear, partial(_settle, silent[1])), stderr)
        self._transports = [self._stdin, output, errors]
        self._watch = loop.create_task(self._wait(on_exit))

    def tell(self, words: dict[str, Any] | bytes) -> None:
        """Send one line of JSON; nothing happens if the process is gone."""
        import json  # as above

        line = words if isinstance(words, bytes) else json.dumps(words).encode()
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(line + b"\n")

    def let_go(self) -> None:
        """End its stdin: it will stop what it does, and end."""
        if self._stdin is not None:
            self._stdin.close()
        elif self.process.stdin is not None:
            self.process.stdin.close()

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def end(self) -> str:
        """Return, in words, how it ended."""
        code = self.process.returncode
        how = cause_of(code) if code is not None else "it is still running"
        return f"{how}. It said: {' '.join(self.said)}" if self.said and code else how

    async def ended(self) -> None:
        """Wait for the end."""
        if self._watch is not None:
            await self._watch
            return
        await exit_of_child(self.process)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    async def _wait(self, on_exit: Callable[[Child], None]) -> None:
        import asyncio  # as above

        await exit_of_child(self.process)
        # Its last words may still be on their way; what it started may hold its pipes open for long, though.
        await asyncio.wait(self._silent, timeout=_LAST_WORDS)
        for transport in self._transports:
            transport.close()
        on_exit(self)

    def _hear(self, line: bytes) -> None:
        self.said = [*self.said[-_SAID + 1 :], line.decode(errors="replace").rstrip()]


def _settle(silent: asyncio.Future[None]) -> None:
    if not silent.done():
        silent.set_result(None)


def let_go(*processes: subprocess.Popen[bytes] | None) -> None:
    """End children that nobody needs after all, and wait until they have ended; nothing has been told to them yet."""
    children = [process for process in processes if process is not None]
    for child in children:
        child.kill()  # it still imports: the end of its stdin would be read some tenths of a second later
    for child in children:
        child.communicate()
