"""Processes of this machine under a guard, which ends them when their host is gone: engines by a user's own command."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engineroom.cluster.launchers import guard
from engineroom.cluster.launchers.launcher import CONTROLLER, Command, Handle, OneByOne, OnExit, State, Status, as_text
from engineroom.cluster.line.children import Child
from engineroom.engine.deaths import own_doing
from engineroom.errors import LaunchError
from engineroom.machine.exits import cause_of, exit_of
from engineroom.machine.logs import end_of, rotate
from engineroom.machine.own_files import make_directory
from engineroom.machine.processes import ProcessRecord
from engineroom.machine.pulse import Pulse
from engineroom.settings.launchers import LocalProcessLauncher
from engineroom.trail.launches import VARIABLE

_PATIENCE = 1.0
"""Seconds that engines which the controller has told to end may take for it, until they are sent SIGTERM."""

_GRACE = 5.0

_LARGEST_TAIL = 64 * 1024

_IN_ORDER = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ (DEBUG|INFO) ")
"""What lines of our engines' logs begin with that tell of no trouble."""


@dataclass(slots=True)
class _Guarded:
    """One guard, and what it says. `codes`: of the processes that ended; `over`: all have."""

    child: Child
    log_file: str
    on_exit: OnExit
    started: bool = False
    over: bool = False
    reaped: bool = False
    failed: str = ""
    codes: list[int] = field(default_factory=list)
    pulse: Pulse = field(default_factory=Pulse)

    def hear(self, line: bytes) -> None:
        words = json.loads(line)
        self.started |= "started" in words
        self.failed = words.get("failed", self.failed)
        if "exited" in words:
            self.codes.append(words["code"])
            cause = cause_of(words["code"])
            self.on_exit(words["exited"], cause, own_doing(words["code"], cause))
        if "ended" in words:
            self.over = True
            self.child.let_go()
        self.pulse.beat()

    def ended(self, _: Child) -> None:
        self.reaped = True
        self.pulse.beat()

    @property
    def running(self) -> bool:
        return not self.over and self.child.running

    async def gone(self) -> None:
        """Wait for the end, also the guard's own; who waits may be cancelled."""
        await self.pulse.until(lambda: self.reaped)


class GuardedProcesses(OneByOne):
    """Starts a command's processes under a guard, and knows at once when they end."""

    name = "the engines' command"

    def __init__(self, options: LocalProcessLauncher, *, delay: float = 0.0, name: str = "") -> None:
        """`delay`: seconds between the starts of two processes; `name`: of what is started, for people."""
        self.options, self._delay = options, delay
        self.name = name or self.name
        self._ours: dict[int, _Guarded] = {}
        self._on_exit: OnExit = lambda *_: None

    def tell(self, on_exit: OnExit) -> bool:
        """Have `on_exit` called when a process has ended."""
        self._on_exit = on_exit
        return True

    async def start(self, command: Command) -> Handle:
        if command.log_file:
            make_directory(Path(command.log_file).parent)
            rotate(Path(command.log_file))
        pipe = subprocess.PIPE
        process = subprocess.Popen(  # noqa: ASYNC220 (it returns at once)
            # Nothing but Python itself is loaded by it.
            [sys.executable, "-I", "-S", guard.__file__],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
            bufsize=0,
        )
        guarded = _Guarded(Child(process, "guard"), command.log_file, self._on_exit)
        self._ours[process.pid] = guarded
        record = ProcessRecord.of(process.pid)
        await guarded.child.attach(guarded.hear, guarded.ended)
        guarded.child.tell(self._order(command))
        await guarded.pulse.until(lambda: guarded.started or bool(guarded.failed) or not guarded.running)
        if not guarded.started or record is None:
            await guarded.gone()
            raise LaunchError(guarded.failed or f"the guard ended: {guarded.child.end()}")
        return {
            "launcher": "guard",
            "process": msgspec.to_builtins(record),
            "processes": self.arguments(command)[1],
            "log_file": command.log_file,
        }

    async def poll(self, handle: Handle) -> Status:
        record = _record_in(handle)
        guarded = self._ours.get(record.pid)
        if guarded is None:
            return Status(State.RUNNING if record.alive else State.ENDED)
        if not guarded.running:
            return Status(State.ENDED, self._end_of(guarded))
        n, ended = handle["processes"], len(guarded.codes)
        if ended in {0, n}:  # what comes next is the end, and better said
            return Status(State.RUNNING)
        return Status(State.RUNNING, f"{ended} of {n} have ended: {self._end_of(guarded)}", ended)

    async def ended(self, handle: Handle) -> Status:
        """Wait for the end; return how it was."""
        guarded = self._ours[_record_in(handle).pid]
        await guarded.gone()
        return await self.poll(handle)

    async def signal(self, handle: Handle, signum: int) -> None:
        guarded = self._ours.get(_record_in(handle).pid)
        if guarded is None:
            raise LaunchError("only the host that started these processes can signal them")
        guarded.child.tell({"signal": signum})

    async def stop(self, handle: Handle) -> None:
        record = _record_in(handle)
        guarded = self._ours.get(record.pid)
        if guarded is not None:
            guarded.child.let_go()
        elif record.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, signal.SIGTERM)
        if not await exit_of(record.pid, lambda: not record.alive, self.options.stop_timeout):
            raise LaunchError(f"{self.name} (guard: pid {record.pid}) did not end in {self.options.stop_timeout:g} s")
        if guarded is not None:
            await guarded.gone()
            del self._ours[record.pid]

    def describe(self, command: Command) -> str:
        """Return, for people, what would be started."""
        return as_text(command)

    def arguments(self, command: Command) -> tuple[list[str], int]:
        """Return what is to be started, and how many times."""
        return command.argv, command.n

    def environment(self, command: Command) -> dict[str, str]:
        """Return the variables for what is started."""
        return command.environment

    def _order(self, command: Command) -> dict[str, Any]:
        argv, n = self.arguments(command)
        return {
            "argv": argv,
            "n": n,
            "delay": self._delay,
            "environment": self.environment(command),
            "work_dir": command.work_dir,
            "log_file": command.log_file,
            "mark": VARIABLE,
            "patience": _PATIENCE,
            "grace": grace_of(self.options),
        }

    def _end_of(self, guarded: _Guarded) -> str:
        bad = [code for code in guarded.codes if code]
        if not guarded.codes:
            return guarded.failed or f"the guard ended: {guarded.child.end()}"
        if not bad:
            return f"{self.name}: exit code 0"
        said = last_lines(guarded.log_file, self.options.output_limit)
        words = f"{self.name}: {cause_of(bad[0])}"
        return f"{words}; it said:\n{said}" if said else words


def guarded_processes(options: LocalProcessLauncher, shared: dict[str, Any]) -> GuardedProcesses:
    """Return what starts processes of this machine, as `options` say."""
    del shared
    if CONTROLLER in options.launcher_roles:
        return GuardedProcesses(options, name="the controller's command")
    return GuardedProcesses(options, delay=getattr(options, "delay", 0.0))


def grace_of(options: LocalProcessLauncher) -> float:
    """Return the seconds from asking what `options` start to end until it is killed."""
    return _GRACE if options.stop_seconds_until_kill is None else float(options.stop_seconds_until_kill)


def last_lines(path: str, limit: int) -> str:
    """Return the last `limit` lines of a log that say something."""
    return telling(end_of(path, _LARGEST_TAIL).splitlines(), limit)


def telling(lines: Iterable[str], limit: int) -> str:
    """Return the last `limit` of `lines`, indented, without empty ones, rules, and what is in order."""
    kept = [line.rstrip() for line in lines if line.strip("-= \t") and not _IN_ORDER.match(line)]
    return "\n".join(f"  {line}" for line in kept[-limit:]) if limit else ""


def _record_in(handle: Handle) -> ProcessRecord:
    return msgspec.convert(handle["process"], ProcessRecord)
