"""The parent of processes that must not outlive the host which wants them: mpiexec, or engines by a user's own command.

Run as a file by a Python that loads nothing else (`python -I -S guard.py`), so that it is there in a few hundredths of
a second. It reads lines of JSON from its stdin: first its order (`Order`), then `{"signal": 10}` or `{"stop": true}`;
the end of stdin is a stop as well. It says `{"started": [pid, ...]}` or `{"failed": words}`, and `{"exited": pid,
"code": c}` for each process that ends. Once all of them have, and nothing that they left behind lives on, it says
`{"ended": true}`, and ends when its stdin does.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

_NEVER = float("inf")


class Order:
    """What to start: `argv`, `n` times, `delay` seconds apart, in `work_dir` ("": here), with `environment` on top of
    ours, its output appended to `log_file` ("": dropped). `mark`: a variable in the environment of those that a signal
    is for. `patience`: seconds from a stop to SIGTERM, `grace`: from there to SIGKILL."""

    def __init__(self, words: dict[str, Any]) -> None:
        self.argv: list[str] = words["argv"]
        self.n: int = words.get("n", 1)
        self.delay: float = words.get("delay", 0.0)
        self.work_dir: str = words.get("work_dir", "")
        self.environment: dict[str, str] = words.get("environment", {})
        self.log_file: str = words.get("log_file", "")
        self.mark: str = words.get("mark", "")
        self.patience: float = words.get("patience", 1.0)
        self.grace: float = words.get("grace", 5.0)


class Guard:
    """Starts what `order` says, and ends after it."""

    def __init__(self, order: Order, rest: bytes) -> None:
        """`rest`: what has been heard after the order."""
        self._order, self._heard = order, rest
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._to_come = order.n
        self._next_start = 0.0
        self._stopping = False
        self._steps: list[tuple[float, int]] = []
        self._listens = True

    def run(self) -> None:
        wakeup, write_end = os.pipe()
        os.set_blocking(write_end, False)
        os.set_blocking(wakeup, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        self._take_lines()
        while self._to_come or self._children:
            self._start_due()
            listened = [0, wakeup] if self._listens else [wakeup]
            ready, _, _ = select.select(listened, (), (), self._seconds_left())
            if wakeup in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(wakeup, 4096)
            if 0 in ready:
                self._listen()
            self._reap()
            self._end_due()
        self._clear()
        say(ended=True)
        while self._listens:  # so that the host has heard all of it
            self._listen()

    def _start_due(self) -> None:
        now = time.monotonic()
        while self._to_come and not self._stopping and now >= self._next_start:
            self._to_come -= 1
            self._next_start = now + self._order.delay
            try:
                child = _start(self._order)
            except OSError as error:
                self._to_come = 0
                say(failed=f"{self._order.argv[0]} can't be started: {error.strerror or error}", missing=error.errno)
                self._stop()
                return
            self._children[child.pid] = child
        if not self._to_come and self._next_start != _NEVER:
            self._next_start = _NEVER
            say(started=list(self._children))

    def _seconds_left(self) -> float | None:
        """Return how long nothing is to be done."""
        due = self._next_start if self._to_come else _NEVER
        if self._steps:
            due = min(due, self._steps[0][0])
        return None if due == _NEVER else max(0.0, due - time.monotonic())

    def _listen(self) -> None:
        data = os.read(0, 65536)
        self._heard += data
        self._take_lines()
        if not data:
            self._listens = False
            self._stop()

    def _take_lines(self) -> None:
        *lines, self._heard = self._heard.split(b"\n")  # not by machine.lines: this file is run by itself
        for line in lines:
            words = json.loads(line)
            if isinstance(words.get("signal"), int):
                self._signal(words["signal"])
            elif "stop" in words:
                self._stop()

    def _stop(self) -> None:
        """Have all end: they may have been told so otherwise, and get `patience` seconds to do it by themselves."""
        if self._stopping:
            return
        self._stopping, self._to_come = True, 0
        term = time.monotonic() + self._order.patience
        self._steps = [(term, signal.SIGTERM), (term + self._order.grace, signal.SIGKILL)]

    def _end_due(self) -> None:
        while self._steps and time.monotonic() >= self._steps[0][0]:
            _, signum = self._steps.pop(0)
            # mpiexec passes a SIGTERM on, in good order; a SIGKILL it can't.
            for pid in self._children if signum == signal.SIGTERM else (*self._children, *descendants()):
                _kill(pid, signum)

    def _reap(self) -> None:
        for pid, child in tuple(self._children.items()):
            if (code := child.poll()) is not None:
                del self._children[pid]
                say(exited=pid, code=code)
        if not hasattr(os, "waitid"):
            return
        known = set(self._children)
        with contextlib.suppress(ChildProcessError):  # of what our children left behind, we are the parent
            while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and found.si_pid not in known:
                os.waitpid(found.si_pid, 0)

    def _clear(self) -> None:
        """End what our children have left behind."""
        for signum, seconds in ((signal.SIGTERM, 0.5), (signal.SIGKILL, self._order.grace)):
            for pid in descendants():
                _kill(pid, signum)
            deadline = time.monotonic() + seconds
            while any(descendants()) and time.monotonic() < deadline:
                select.select((), (), (), 0.02)
                self._reap()

    def _signal(self, signum: int) -> None:
        marked = [pid for pid in descendants() if self._order.mark and _has(pid, self._order.mark)]
        # Those on other machines are reached by what started them here, if at all.
        for pid in marked or self._children:
            _kill(pid, signum)


def _start(order: Order) -> subprocess.Popen[bytes]:
    log = os.devnull if not order.log_file else order.log_file
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        return subprocess.Popen(
            order.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=order.work_dir or None,
            env={**os.environ, **order.environment},
            start_new_session=True,
            preexec_fn=_die_with_guard,  # noqa: PLW1509 (no thread is here)
        )
    finally:
        os.close(output)


def _die_with_guard() -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes  # the only way to prctl

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _kill(pid: int, signum: int) -> None:
    """Send a signal, if that can be done: all that we look after ends with us."""
    with contextlib.suppress(OSError, ValueError, OverflowError):
        os.kill(pid, signum)


def _has(pid: int, variable: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return any(line.startswith(f"{variable}=".encode()) for line in file.read().split(b"\0"))
    except OSError:
        return False


def descendants() -> Iterator[int]:
    """Yield the pids of our children, their children and so on: those that live. Elsewhere than on Linux, none."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if name.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
                if state not in {b"Z", b"X"}:
                    children.setdefault(int(parent), []).append(int(name))
    found = [os.getpid()]
    for pid in found:
        found += children.get(pid, ())
    yield from found[1:]


def say(**words: Any) -> None:
    """Tell the host, if it is there."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(words).encode() + b"\n")


def main() -> None:
    """Be the guard of what the first line of stdin orders."""
    heard = b""
    while b"\n" not in heard:
        data = os.read(0, 65536)
        if not data:
            return
        heard += data
    line, _, rest = heard.partition(b"\n")
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    Guard(Order(json.loads(line)), rest).run()


if __name__ == "__main__":
    main()
