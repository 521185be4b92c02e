"""The cluster that everything happens to: `ipcluster start` in a place of its own, and its processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import psutil

from engineroom.settings.profiles import Profile
from tests.chaos.faults import CONTROLLER, ENGINE, HOST, SPAWNER
from tests.patience import SECONDS


class Victim:
    """A cluster of `n` engines, started by a command; `profile`: its own."""

    def __init__(self, place: Path, n: int, *, options: Sequence[str] = ()) -> None:
        self.profile = Profile(place / "profile_chaos")
        self._n, self._options = n, options
        self._place = place
        self.lines: list[str] = []
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it; returns once its engines are ready."""
        command = [sys.executable, "-P", "-m", "engineroom.cluster", "start", "-n", str(self._n)]
        self.process = subprocess.Popen(
            [*command, f"--profile-dir={self.profile.path}", *self._options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self._place,
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,))
        self._reader.start()
        self.says("stop it:")

    def says(self, words: str, seconds: float = SECONDS) -> None:
        """Wait until it has said `words`."""
        with self._changed:
            came = self._changed.wait_for(lambda: any(words in line for line in self.lines) or self._ended(), seconds)
        assert came, self.output
        assert any(words in line for line in self.lines), self.output

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def pids(self, whom: str) -> list[int]:
        """Return the processes that are `whom`, at this moment; [] between two lives."""
        if whom == HOST:
            return [self.process.pid]
        with contextlib.suppress(psutil.Error):
            host = psutil.Process(self.process.pid)
            parts = {part_of(child): child for child in host.children()}
            if whom in {CONTROLLER, SPAWNER}:
                return [parts[whom].pid] if whom in parts else []
            if whom == ENGINE and SPAWNER in parts:
                return sorted(child.pid for child in parts[SPAWNER].children())
        return []

    def send(self, whom: str, which: int, signum: int) -> int | None:
        """Send a signal; return to which process, None if there was none."""
        found = self.pids(whom)
        if not found:
            return None
        pid = found[which % len(found)]
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)
            return pid
        return None

    def ends(self, seconds: float = SECONDS) -> int:
        """Wait for the end of the host, and what it says; return its exit code."""
        code = self.process.wait(seconds)
        self._reader.join(seconds)
        return code

    def stop(self) -> None:
        """Stop it in order."""
        self.process.send_signal(signal.SIGTERM)
        code = self.ends()
        assert code == 0, self.output

    def close(self) -> None:
        """End it, if it has not ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(SECONDS)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def left(self) -> list[str]:
        """Return the files that a cluster which has ended must not leave."""
        places = (self.profile.pid_dir, self.profile.security_dir)
        kept = {"ipcontroller.crt", "ipcontroller.key"}
        return sorted(path.name for place in places for path in _files(place) if path.name not in kept)

    def _ended(self) -> bool:
        return self.process.poll() is not None

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


def part_of(process: psutil.Process) -> str:
    """Return who a child of a host is, "" for one that is ending."""
    with contextlib.suppress(psutil.Error):
        command = " ".join(process.cmdline())
        if "engineroom controller" in command or "cluster.seats" in command:
            return CONTROLLER
        if "spawner" in command:
            return SPAWNER
    return ""


def _files(place: Path) -> Iterator[Path]:
    return place.iterdir() if place.is_dir() else iter(())
