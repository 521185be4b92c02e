"""Light engines: connections that are let in like any engine and answer each task at once, without running it.

`python -m benchmarks.fakes COUNT CONNECTION_FILE` dials over TLS, prints the seconds until all were let in, and serves
until its standard input ends.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from typing import Any

from engineroom.protocol.closing import Closing
from engineroom.protocol.connection_files import ConnectionFile, read_connection_file
from engineroom.protocol.identities import identity_of, new_secret
from engineroom.protocol.messages import (
    AlreadyStarted,
    EngineInfo,
    Finished,
    Held,
    Join,
    Ran,
    Revoke,
    Run,
    Started,
    Status,
)
from engineroom.serialize.payloads import pack
from engineroom.transport.connection import Connection
from engineroom.transport.dial import connect

AT_ONCE = 64
"""Dials under way at a time: well below what the controller takes unauthenticated."""

_body = pack(None)
NOTHING = _body if isinstance(_body, bytes) else b"".join(_body)


class Fake:
    """One pretend engine on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._finished = 0

    def on_messages(self, messages: list[Any]) -> None:
        for message in messages:
            if isinstance(message, Run):
                self._finish(message)
            elif isinstance(message, Revoke):  # a Withdraw needs no answer: all that it names has ended
                self._connection.send(AlreadyStarted(message.task, message.attempt))

    def _finish(self, run: Run) -> None:
        if run.announce:
            self._connection.send(Started(run.task, run.attempt))
        self._finished += 1
        outcome = Ran(Status.OK, time.time(), 0.0)
        self._connection.send(Finished(self._finished, run.task, run.attempt, outcome, NOTHING))

    def on_closed(self, closing: Closing) -> None:
        reason = closing.words
        if reason and "ended" not in reason and not _over.is_set():
            print(f"a fake was cut off: {reason}", file=sys.stderr)


_over = asyncio.Event()


async def dial(info: ConnectionFile, turn: asyncio.Semaphore) -> Connection:
    """Return one more engine's connection."""
    async with turn:
        secret = new_secret()
        join = Join(
            proof=b"",
            identity=identity_of(secret),
            secret=secret,
            info=EngineInfo(host="fake", python=f"{sys.version_info.major}.{sys.version_info.minor}"),
            wall=time.time(),
        )
        connection, _ = await connect(info, role="engine", join=join, seconds=60)
        connection.start(Fake(connection))
        connection.send(Held())
        return connection


async def serve(count: int, path: str) -> None:
    """Dial `count` times, then answer until standard input ends."""
    info = read_connection_file(path)
    turn = asyncio.Semaphore(AT_ONCE)
    began = time.perf_counter()
    connections = await asyncio.gather(*(dial(info, turn) for _ in range(count)))
    print(time.perf_counter() - began, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    _over.set()
    for connection in connections:
        connection.close("the benchmark has ended")


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
