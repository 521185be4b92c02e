"""The process that keeps one ssh tunnel up for all engines and clients of one user on one machine.

`python -m engineroom.transport.tunnel_guard DESCRIPTOR` is told what to do by a line of JSON on stdin. Whoever uses
the tunnel stays connected to the Unix socket that listens at DESCRIPTOR, and is told there how ssh is, a line of JSON
each time: `{"state": "opening" | "open" | "down", "said": words of ssh}`. When the last user is gone, however it ended,
so is the tunnel; when this process is killed, so is ssh.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from functools import partial

import msgspec

from engineroom.machine.titles import set_title
from engineroom.transport.ssh_tunnel import worth_saying
from engineroom.transport.tunnel_master import MasterTunnel, has_master
from engineroom.transport.tunnel_plan import TunnelPlan
from engineroom.transport.tunnel_process import end, start

LINGER = 1.0
"""Seconds that a tunnel waits for another user, once its last one is gone."""

_LOOK_EVERY = 0.02
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_KEPT = 5
"""Lines of ssh that are told."""


class Guard:
    """Runs ssh for as long as anybody uses it."""

    def __init__(self, plan: TunnelPlan) -> None:
        self._plan = plan
        self._users: set[asyncio.Transport] = set()
        self._state = "opening"
        self._said: list[str] = []
        self._ended = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._leaving: asyncio.TimerHandle | None = None

    async def run(self, listening: socket.socket) -> None:
        """Serve those who connect to `listening`, until none is left."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(signum, self._ended.set)
        server = await loop.create_unix_server(partial(_User, self), sock=listening)
        self._leave_soon()
        keeping = loop.create_task(self._keep_up())
        await self._ended.wait()
        # In this order: who comes now finds no socket, or hears the end at once, and starts another guard.
        _remove(self._plan.control)
        server.close()
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
        await self._end_ssh()
        for user in tuple(self._users):
            user.abort()

    def joined(self, user: asyncio.Transport) -> None:
        self._users.add(user)
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        user.write(self._news())

    def left(self, user: asyncio.Transport) -> None:
        self._users.discard(user)
        if not self._users:
            self._leave_soon()

    def _leave_soon(self) -> None:
        self._leaving = asyncio.get_running_loop().call_later(LINGER, self._ended.set)

    def _news(self) -> bytes:
        return json.dumps({"state": self._state, "said": " ".join(self._said)}).encode() + b"\n"

    def _tell(self, state: str) -> None:
        self._state = state
        news = self._news()
        for user in self._users:
            user.write(news)

    async def _keep_up(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            self._said = []
            self._tell("opening")
            self._remove_sockets()
            by_master = await has_master(self._plan)
            opened = await (self._run_by_master() if by_master else self._run_ssh())
            self._tell("down")
            pause = _FIRST_PAUSE if opened else min(2 * pause, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _run_by_master(self) -> bool:
        """Lead connections through the user's own, until that ends; return whether the tunnel was up."""
        await MasterTunnel(self._plan, on_words=self._hear).run(partial(self._tell, "open"))
        return True

    async def _run_ssh(self) -> bool:
        """Run ssh to its end; return whether the tunnel was up."""
        try:
            self._process = await start(self._plan.command)
        except OSError as error:
            self._said = [f"ssh can't be started: {error}. Install OpenSSH's client"]
            return False
        reading = asyncio.create_task(self._read(self._process))
        looking = asyncio.create_task(self._look())
        try:
            await self._process.wait()
            await reading
        finally:
            looking.cancel()
            reading.cancel()
        return self._state == "open"

    async def _look(self) -> None:
        """Wait until ssh has made its sockets, which it does once it is let in."""
        while not self._sockets_are_there():  # noqa: ASYNC110 (nobody would tell us)
            await asyncio.sleep(_LOOK_EVERY)
        self._said = []  # what a server says to everybody who logs in
        self._tell("open")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self._hear(line)

    def _hear(self, line: bytes) -> None:
        words = line.decode(errors="replace").strip()
        if worth_saying(words):
            others = [each for each in self._said if each != words]
            self._said = [*others[-_KEPT + 1 :], words]
            self._tell(self._state)

    async def _end_ssh(self) -> None:
        if self._process is not None:
            await end(self._process)
        if not self._has_successor():
            self._remove_sockets()

    def _has_successor(self) -> bool:
        """Whether another guard is at it already, once our socket is gone: then the others are its own."""
        return os.path.exists(self._plan.control)

    def _sockets_are_there(self) -> bool:
        return all(os.path.exists(path) for path in self._plan.paths)

    def _remove_sockets(self) -> None:
        for path in self._plan.paths:
            _remove(path)


class _User(asyncio.Protocol):
    """One that uses the tunnel; it says nothing."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._guard.joined(transport)

    def connection_lost(self, error: Exception | None) -> None:
        del error
        if self._transport is not None:
            self._guard.left(self._transport)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def main() -> int:
    """Be a guard, as a process whose parent is nobody who could end."""
    line = sys.stdin.buffer.readline()
    if os.fork():
        os._exit(0)
    plan = msgspec.json.decode(line, type=TunnelPlan)
    set_title(plan.title)
    asyncio.run(Guard(plan).run(socket.socket(fileno=int(sys.argv[1]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
