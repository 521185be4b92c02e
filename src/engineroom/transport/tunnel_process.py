"""The ssh processes of a tunnel's guard: they die with it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from functools import partial

from engineroom.machine.processes import die_with_parent

_GRACE = 2.0
"""Seconds that ssh may take to end."""


async def start(command: Sequence[str], *, connection: socket.socket | None = None) -> Process:
    """Return the process, whose stderr is to be read. `connection`: its stdin and stdout. OSError: there is no ssh."""
    ends = DEVNULL if connection is None else connection.fileno()
    return await asyncio.create_subprocess_exec(
        *command, stdin=ends, stdout=ends, stderr=PIPE, preexec_fn=partial(_end_with, os.getpid())
    )


async def end(process: Process) -> None:
    """End the process, if it still runs."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_GRACE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _end_with(guard: int) -> None:
    if not die_with_parent(signal.SIGTERM, guard):
        os._exit(1)
