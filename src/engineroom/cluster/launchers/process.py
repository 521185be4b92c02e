"""Processes on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

import msgspec

from engineroom.cluster.launchers.launcher import Handle, OneByOne, State, Status
from engineroom.cluster.records.pid_records import Holder, holder
from engineroom.errors import LaunchError
from engineroom.machine.exits import cause_of
from engineroom.machine.left_behind import staying
from engineroom.machine.processes import ProcessRecord

STOP_SECONDS = 2.0
"""Seconds between SIGTERM and SIGKILL."""


class ProcessLauncher(OneByOne):
    """Starts processes that outlive us unless they are told otherwise; signals only what is certainly meant."""

    def __init__(self) -> None:
        self._ours: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, argv: Sequence[str], *, descriptors: Sequence[int] = (), errors: int | None = None) -> Handle:
        """Start `argv`. `descriptors`: files that it inherits; `errors`: file to which its stderr goes."""
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL if errors is None else errors,
                pass_fds=tuple(descriptors),
                env=staying(os.environ),
                start_new_session=True,
            )
        except OSError as error:
            raise LaunchError(f"{argv[0]} can't be started: {error}") from error
        self._ours[process.pid] = process
        return {"launcher": "local", "process": msgspec.to_builtins(_record_of(process.pid))}

    async def poll(self, handle: Handle) -> Status:
        record = _record_in(handle)
        process = self._ours.get(record.pid)
        if process is not None:
            code = process.poll()
            return Status(State.RUNNING) if code is None else Status(State.ENDED, cause_of(code))
        return Status(State.RUNNING if record.alive else State.ENDED)

    async def stop(self, handle: Handle) -> None:
        """End the process: SIGTERM, later SIGKILL. LaunchError: it is not of this machine."""
        record = _record_in(handle)
        if holder(record) is Holder.ELSEWHERE:
            raise LaunchError(f"pid {record.pid} is a process of {record.host}: stop it there")
        for signum in (signal.SIGTERM, signal.SIGKILL):
            if not record.alive:
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, signum)
            await self.wait(handle, STOP_SECONDS)
        await self.wait(handle, 0)

    async def wait(self, handle: Handle, seconds: float) -> bool:
        """Return whether the process has ended within `seconds`."""
        record = _record_in(handle)
        process = self._ours.get(record.pid)
        ended = (lambda: process.poll() is not None) if process is not None else (lambda: not record.alive)
        from engineroom.machine.exits import exit_of  # who only starts something should not load asyncio

        return await exit_of(record.pid, ended, seconds)

    def reap(self, handle: Handle, *, seconds: float) -> None:
        """Give a process that we started, and that is about to end, `seconds` for it."""
        process = self._ours.get(_record_in(handle).pid)
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)

    def let_go(self, handle: Handle) -> None:
        """Let the process live on without us."""
        process = self._ours.pop(_record_in(handle).pid, None)
        if process is not None:
            process.returncode = 0  # it is nobody's business here any more


def _record_of(pid: int) -> ProcessRecord:
    record = ProcessRecord.of(pid)
    if record is None:
        raise LaunchError(f"process {pid} ended at once")
    return record


def _record_in(handle: dict[str, Any]) -> ProcessRecord:
    return msgspec.convert(handle["process"], ProcessRecord)
