"""The parent of the engines that one host started: imports once, forks engines, waits for them.

Single-threaded, without an event loop, and it never runs user code: forking it is safe and cheap. Commands come as
lines of JSON on stdin: `{"spawn": {EngineConfig}, "key": k}` (with `"fork": false` as a fresh process, with
`"grace": s` for its time between SIGTERM and SIGKILL),
`{"signal": k, "signum": n}`, `{"stop": k}`. Reports go to stdout: `{"spawned": k, "pid": p, "instance": hex}`,
`{"failed": k, "problem": words}`, `{"exited": k, "pid": p, "instance": hex, "code": c, "cause": words, "own": bool,
"words": what it wrote last, "asked": whether it ended with code 0 because it was shut down}`,
and of forked ones with `"running": [[task, attempt]]` or `[]`. When stdin ends, so do all engines, and the spawner.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import msgspec

from engineroom.engine.config import GRACE, EngineConfig
from engineroom.engine.deaths import ENDED_BY_ITS_CODE, OutOfMemory, cause_with_evidence, own_doing
from engineroom.engine.fault_dumps import digest
from engineroom.engine.forking import leave_parent
from engineroom.engine.last_words import LastWords
from engineroom.engine.now_running import NowRunning
from engineroom.engine.overflow import Watch
from engineroom.engine.strays import Strays
from engineroom.machine.ending import end
from engineroom.machine.garbage import look_seldom
from engineroom.machine.left_behind import adopt_orphans
from engineroom.machine.lines import Lines
from engineroom.machine.memory import give_back
from engineroom.machine.own_files import append_to
from engineroom.machine.processes import die_with_parent
from engineroom.machine.titles import set_title

log = logging.getLogger(__name__)

_NEEDED_BY_EACH = (
    "cloudpickle",
    "concurrent.futures.thread",
    "ctypes",
    "encodings.ascii",
    "engineroom.serialize.by_value.named",
    "engineroom.serialize.by_value.standard_ways",
    "engineroom.transport.sharing",
    "importlib.util",
    "queue",
    "setproctitle",
)
"""Modules that each engine imports when it connects, or with its first task."""

Key = Any
"""Whatever the host calls an engine: a JSON value, given back as it is."""


@dataclass
class _Child:
    key: Key
    pid: int
    instance: str
    grace: float = GRACE
    kill_at: float | None = None
    runs: NowRunning | None = None
    words: LastWords | None = None
    log_file: str = ""
    mark: str = ""


class Spawner:
    """Reads commands, starts and watches engines. `run` returns the config of an engine to be when it is the child."""

    def __init__(self) -> None:
        self._children: dict[int, _Child] = {}
        self._input = Lines()
        self._ending = False
        self._watch = Watch()
        self._parent = os.getppid()
        self._memory = OutOfMemory()
        self._strays = Strays()
        self._wake_read, self._wake_write = os.pipe()
        self.runs: NowRunning | None = None  # where the next child, or in a child: where we, note what runs
        self.words: LastWords | None = None  # and what is written last

    def run(self) -> EngineConfig | None:
        """Serve until everything has ended (None), or until this process is a new engine (its config)."""
        self._install_signals()
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while not self._ending or self._children or self._look() is not None:
            ready = dict(poll.poll(self._timeout()))
            if self._wake_read in ready:
                os.read(self._wake_read, 4096)
                self._reap()
                if os.getppid() != self._parent:
                    self._end()
            if 0 in ready and not self._ending:
                for command in self._commands():
                    config = self._obey(command)
                    if config is not None:
                        return config
            if self._ending:
                with contextlib.suppress(KeyError):
                    poll.unregister(0)
            self._kill_overdue()
            self._watch.look(self._files(), time.monotonic())
        return None

    def _files(self) -> list[LastWords]:
        return [child.words for child in self._children.values() if child.words is not None]

    def _install_signals(self) -> None:
        for number in (self._wake_read, self._wake_write):
            os.set_blocking(number, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._end())
        signal.signal(signal.SIGHUP, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the host to act on
        if not die_with_parent(signal.SIGHUP, self._parent):
            self._end()

    def _timeout(self) -> float | None:
        """Return the milliseconds until the next process must be killed, or what engines write be looked at."""
        ends = [child.kill_at for child in self._children.values()]
        look = self._watch.due if self._files() else None
        deadlines = [each for each in (*ends, self._strays.deadline, look) if each is not None]
        return max(0.0, min(deadlines) - time.monotonic()) * 1000 + 1 if deadlines else None

    def _commands(self) -> Iterator[dict[str, Any]]:
        data = os.read(0, 1024 * 1024)
        if not data:
            self._end()
            return
        for line in self._input.take(data):
            if line.strip():
                yield json.loads(line)

    def _obey(self, command: dict[str, Any]) -> EngineConfig | None:
        match command:
            case {"spawn": config, "key": key}:
                fork = command.get("fork", sys.platform == "linux")
                return self._start(config, key, fork=fork, grace=command.get("grace", GRACE))
            case {"signal": key, "signum": int(signum)} if signum > 0:
                for child in self._named(key):
                    _signal(child.pid, signum)
            case {"stop": key}:
                for child in self._named(key):
                    self._stop(child)
            case _:
                _report(problem=f"not a command: {json.dumps(command)[:200]}")
        return None

    def _start(self, values: dict[str, Any], key: Key, *, fork: bool, grace: float) -> EngineConfig | None:
        """Start an engine; in the forked child, return its config."""
        try:
            config = msgspec.convert(values, EngineConfig)
            instance = config.own_instance().hex()
            self.runs = NowRunning() if fork else None
            self.words = LastWords.new(forked=fork) if config.log_file else None
            pid = self._fork(config, key) if fork else _spawn(config, self.words)
        except (OSError, ValueError) as error:
            _report(failed=key, problem=str(error))
            return None
        if pid == 0:
            return config
        self._children[pid] = _Child(
            key, pid, instance, grace, runs=self.runs, words=self.words, log_file=config.log_file, mark=config.mark
        )
        _report(spawned=key, pid=pid, instance=instance)
        return None

    def _fork(self, config: EngineConfig, key: Key) -> int:
        parent = os.getpid()
        # A signal between the fork and `leave_parent` would be handled as the parent handles it, and so be lost.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = os.fork()
            if pid == 0:
                _become_engine(config, key, parent, self.words)
            return pid
        finally:
            if os.getpid() == parent:
                signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def _named(self, key: Key) -> list[_Child]:
        return [child for child in self._children.values() if child.key == key]

    def _stop(self, child: _Child) -> None:
        if child.kill_at is None:
            child.kill_at = time.monotonic() + child.grace
            self._strays.remember(child.pid)
            _signal(child.pid, signal.SIGTERM)

    def _end(self) -> None:
        self._ending = True
        for child in self._children.values():
            self._stop(child)

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            if child.kill_at is not None and child.kill_at <= now:
                child.kill_at = now + GRACE
                self._strays.remember(child.pid)
                _signal(child.pid, signal.SIGKILL)
        self._strays.end_overdue()
        if (due := self._strays.deadline) is not None and due <= now:
            self._look()

    def _look(self) -> float | None:
        """Have what engines left behind ended; return when that is overdue, None if there is nothing any more."""
        self._strays.look({pid: child.mark for pid, child in self._children.items()}, ending=self._ending)
        return self._strays.deadline

    def _reap(self) -> None:
        for pid, code in self._ended():
            self._strays.forget(pid)
            child = self._children.pop(pid, None)
            if child is not None:
                cause = cause_with_evidence(code, self._memory)
                if code == 0 and child.runs is not None and not child.runs.left:
                    cause = ENDED_BY_ITS_CODE
                facts = {"code": code, "cause": cause, "own": own_doing(code, cause), **_what_ran(child)}
                facts["asked"] = code == 0 and cause != ENDED_BY_ITS_CODE
                facts["words"] = _what_it_wrote(child, cause)
                _report(exited=child.key, pid=pid, instance=child.instance, **facts)
        self._look()

    def _ended(self) -> Iterator[tuple[int, int]]:
        """Yield the (pid, exit code) of each child that has ended, and end what engines left in their process group."""
        while True:
            try:
                if hasattr(os, "waitid"):
                    # While it is not reaped its number can't be anybody else's.
                    found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                    if found is None:
                        return
                    if found.si_pid in self._children:
                        with contextlib.suppress(OSError):
                            os.killpg(found.si_pid, signal.SIGKILL)
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            yield pid, os.waitstatus_to_exitcode(status)


def _what_ran(child: _Child) -> dict[str, Any]:
    """Return what a child that has ended ran, if that can be known."""
    if child.runs is None:
        return {}
    ran = child.runs.read()
    child.runs.close()
    return {"running": [] if ran is None else [(ran[0].hex(), ran[1])]}


def _what_it_wrote(child: _Child, cause: str) -> str:
    """Return the end of what a child that has ended wrote, in short; all of it goes to its log. "": it was stopped."""
    if child.words is None:
        return ""
    said = child.words.read()
    child.words.close()
    if child.kill_at is not None or not said:
        return ""
    with contextlib.suppress(OSError), open(append_to(child.log_file), "a", errors="replace") as log_file:
        log_file.write(f"Last output of engine process {child.pid} ({cause}):\n{said}")
    return digest(said)


def _become_engine(config: EngineConfig, key: Key, parent: int, words: LastWords | None) -> None:
    """In the forked child: let go of what is the spawner's."""
    try:
        leave_parent(config, parent, words)
    except OSError as error:
        # Never back to serving: there would be two spawners. Stdout is still where we report to.
        _report(failed=key, problem=str(error))
        os._exit(1)


def _signal(pid: int, signum: int) -> None:
    """Send a signal; what can't be sent is reported, for all engines end with this process."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return
    except (OSError, ValueError, OverflowError) as error:
        _report(problem=f"could not send signal {signum} to process {pid}: {error}")


def _spawn(config: EngineConfig, words: LastWords | None) -> int:
    """Start an engine as a fresh process."""
    config = msgspec.structs.replace(config, parent=os.getpid(), words=-1 if words is None else words.page_file)
    with open(append_to(config.log_file or os.devnull), "ab") as log_file:
        stdout, stderr = (log_file.fileno(), log_file.fileno()) if words is None else words.files
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engineroom.engine", "--config-json-on-stdin"],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            pass_fds=() if words is None else (words.page_file,),
            start_new_session=True,
        )
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(config))
    process.stdin.close()
    process.returncode = 0  # we wait for it ourselves
    return process.pid


def _report(**facts: object) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(facts).encode() + b"\n")


def _import_once() -> None:
    """Import what each engine imports at once or with its first task: here it is in memory that they all share."""
    for name in _NEEDED_BY_EACH:
        import_module(name)
    with contextlib.suppress(ImportError):
        import_module("uvloop")  # it is not everywhere
    from engineroom.transport.decoders import from_controller  # it has come with `engine.app`

    from_controller["engine"]  # made when it is first asked for


def main() -> int:
    """Be the spawner; in the engines that it forks, be the engine."""
    usual = look_seldom()
    from engineroom.engine.app import run_engine

    _import_once()
    with contextlib.suppress(PermissionError):
        os.setsid()
    set_title("engineroom spawner")
    give_back()
    gc.freeze()  # without a look for garbage before: that would take a tenth of the start, and imports leave 50 kB
    gc.set_threshold(*usual)  # as users of engines are used to
    adopt_orphans()
    spawner = Spawner()
    config = spawner.run()
    if config is None:
        end(0)
    return run_engine(config, spawner.runs, spawner.words)


if __name__ == "__main__":
    sys.exit(main())
