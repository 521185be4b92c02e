"""Running a remote host: the plan read, files in place, everything taken away at the end."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import socket
from subprocess import Popen
from typing import Protocol

from engineroom.cluster.line.children import let_go
from engineroom.cluster.line.messages import Failed
from engineroom.cluster.ssh.far.door import Door, relay
from engineroom.cluster.ssh.messages import Hello, RemotePlan, Resume, SentFile, greeting, line, read_plan
from engineroom.errors import EngineroomError
from engineroom.machine.homes import expanded, home
from engineroom.machine.lines import first_line
from engineroom.machine.own_files import make_directory
from engineroom.machine.private_files import write_private
from engineroom.machine.titles import set_title
from engineroom.version import own_version


class Served(Protocol):
    """What runs on a remote host."""

    def stop(self, reason: str) -> None: ...
    async def run(self, read: int, write: int, heard: bytes) -> int: ...


def greet(write: int) -> None:
    """Say who we are."""
    where = os.environ.get("SSH_CONNECTION", "").split()
    hello = Hello(
        version=own_version(),
        python=platform.python_version(),
        host=socket.gethostname(),
        pid=os.getpid(),
        address=where[2] if len(where) > 2 else "",
    )
    os.write(write, greeting(hello))


def read_line(descriptor: int) -> tuple[bytes, bytes]:
    """Return the first line, b"" if there is none, and what has come after it."""
    return first_line(lambda: os.read(descriptor, 65536))


def serve(said: bytes, heard: bytes, read: int, write: int, child: Popen[bytes] | None) -> int:
    """Do what the plan in `said` says; return the exit code. `heard`: what came after it."""
    plan = read_plan(said)
    if isinstance(plan, Resume):
        set_title("engineroom connection")
        found = relay(plan.door, read, write, heard)
        if not found:
            os.write(write, line(Failed("the host there has ended")))
        return 0 if found else 1
    assert child is not None
    door = Door(plan.door)
    try:
        door.open()  # first of all: without it, others would take our files for what is left of a dead host
        for file in plan.files:
            place(file)
        os.environ.update(plan.environment)
        served = _served(plan, child, door)
    except (EngineroomError, OSError) as error:
        os.write(write, line(Failed(str(error))))
        door.close()
        let_go(child)
        return 1
    return asyncio.run(_run(served, read, write, heard))


def place(file: SentFile) -> None:
    """Write a file that was sent along."""
    path = home() / expanded(file.path)
    make_directory(path.parent)
    write_private(path, file.data)
    path.chmod(file.mode)


def _served(plan: RemotePlan, child: Popen[bytes], door: Door) -> Served:
    if plan.controller is not None:
        from engineroom.cluster.ssh.far.controller_host import RemoteControllerHost  # hosts of engines do without

        return RemoteControllerHost(plan, child, door)
    from engineroom.cluster.ssh.far.engines_host import RemoteEnginesHost  # and the other way round

    return RemoteEnginesHost(plan, child, door)


async def _run(served: Served, read: int, write: int, heard: bytes) -> int:
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        loop.add_signal_handler(getattr(signal, name), served.stop, f"it got {name}")
    return await served.run(read, write, heard)
