"""Waits that end at the moment at which they are cancelled: whoever is cancelled does not go on."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from engineroom.cluster.launchers.jobs import commands
from engineroom.cluster.ssh.far.line import DescriptorLine
from engineroom.machine import exits
from engineroom.transport import tunnel_process
from tests.patience import SECONDS, turns

Come = Callable[[], object]


class Pretended:
    """A process that ends when the test says so, and not by a signal."""

    def __init__(self) -> None:
        self.pid, self.returncode = 0, None
        self._ended = asyncio.Event()

    def ends(self) -> None:
        self._ended.set()

    def terminate(self) -> None:
        """It takes its time."""

    async def wait(self) -> int:
        await self._ended.wait()
        return 0

    async def communicate(self, given: bytes | None) -> tuple[bytes, bytes]:
        del given
        await self._ended.wait()
        return b"", b""


@contextmanager
def exit_of_a_process() -> Iterator[tuple[Coroutine[Any, Any, Any], Come]]:
    with subprocess.Popen(["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE) as process:
        yield exits.exit_of(process.pid, lambda: process.returncode is not None, SECONDS), process.communicate


@contextmanager
def end_of_a_tunnel() -> Iterator[tuple[Coroutine[Any, Any, Any], Come]]:
    process = Pretended()
    yield tunnel_process.end(process), process.ends  # type: ignore[arg-type]


@contextmanager
def a_command() -> Iterator[tuple[Coroutine[Any, Any, Any], Come]]:
    process = Pretended()

    async def start(*argv: str, **options: Any) -> Pretended:
        del argv, options
        return process

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "create_subprocess_exec", start)
        patch.setattr(os, "killpg", lambda *its: process.ends())
        yield commands.run(["squeue"]), process.ends


@contextmanager
def a_line_that_empties() -> Iterator[tuple[Coroutine[Any, Any, Any], Come]]:
    ours, theirs = socket.socketpair()
    with theirs:
        line = DescriptorLine(ours.fileno(), os.dup(ours.fileno()), on_line=print, on_end=print)
        ours.detach()
        line.tell(b"x" * (4 << 20))
        yield line.flush(SECONDS), line.close


@pytest.mark.parametrize("begin", [exit_of_a_process, end_of_a_tunnel, a_command, a_line_that_empties])
def test_whoever_is_cancelled_as_its_wait_ends_does_not_go_on(begin: Any) -> None:
    async def ended_after(step: int) -> bool:
        with begin() as (wait, comes):
            waiting = asyncio.ensure_future(wait)
            await turns()
            assert not waiting.done()
            comes()
            await turns(step)
            if waiting.done():
                return True
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            return False

    async def story() -> None:
        for step in count():
            if await ended_after(step):
                return

    asyncio.run(story())
