"""Waiting for the end of a process, by its pidfd where there are any; and what its exit code says."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

_LOOK_EVERY = 0.02
"""Seconds between two looks, where the end of a process can't be waited for."""

_GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL."""


def cause_of(code: int, evidence: str = "") -> str:
    """Return an exit code (negative: the signal that killed the process) in words. `evidence`: of who sent it."""
    if code >= 0:
        return f"exit code {code}"
    from engineroom.machine.signals import signal_name  # for those that were killed

    return f"killed by {signal_name(-code)}{f' ({evidence})' if evidence else ''}"


def ends_within(seconds: float, pid: int) -> bool:
    """Return whether the process `pid` is seen to end within `seconds`; this blocks. False: that can't be seen."""
    with _pidfd(pid) as descriptor:
        return descriptor is not None and bool(select.select([descriptor], (), (), seconds)[0])


async def exit_of(pid: int, ended: Callable[[], bool], seconds: float) -> bool:
    """Return whether the process `pid`, which need not be our child, has `ended()` within `seconds`."""
    import asyncio  # who only starts something should not load it

    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    gone = asyncio.Event()
    with calling_at_exit(pid, gone.set) as watched:
        while not ended() and (left := deadline - loop.time()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left if watched else min(left, _LOOK_EVERY)):
                    await gone.wait()
    return ended()


async def end_process(pid: int, ended: Callable[[], bool]) -> None:
    """End the process `pid`, unless it has `ended()`: by SIGTERM, and by SIGKILL if that does not do it within 2 s."""
    import signal  # as above

    for signum in (signal.SIGTERM, signal.SIGKILL):
        if not ended():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)
            await exit_of(pid, ended, _GRACE)


async def exit_of_child(process: subprocess.Popen[bytes]) -> None:
    """Wait, without polling, until `process` has ended."""
    import asyncio  # as above

    gone = asyncio.Event()
    with calling_at_exit(process.pid if process.poll() is None else 0, gone.set) as watched:
        if watched:
            await gone.wait()
    if process.poll() is None:  # nothing could be watched
        await asyncio.to_thread(process.wait)


@contextlib.contextmanager
def calling_at_exit(pid: int, on_end: Callable[[], None]) -> Iterator[bool]:
    """Have the running loop call `on_end()` once when the process `pid` ends; False: that can't be seen.

    `pid`: 0 for none.
    """
    import asyncio  # as above

    with _pidfd(pid) as descriptor:
        if descriptor is None:
            yield False
            return
        loop = asyncio.get_running_loop()

        def ended() -> None:
            loop.remove_reader(descriptor)
            on_end()

        loop.add_reader(descriptor, ended)
        try:
            yield True
        finally:
            loop.remove_reader(descriptor)


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[int | None]:
    """Yield what becomes readable when the process `pid` ends; None: there is no such process, or no such thing."""
    try:
        descriptor = os.pidfd_open(pid) if pid else None
    except (AttributeError, OSError):
        descriptor = None
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)
