"""Jobs of a pretend scheduler: a directory of files, and processes in the background that outlive the commands.

Its commands are started anew for each question, so all that they know is in that directory: `N.json` says what job N
is to run, `N.K.pid` which process its K-th one is, `N.K.exit` how that ended. A file `hold` there has jobs wait, for
the reason that it says, and so does a file `held`; a file `reject` has the scheduler take none.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DIRECTORY = "FAKE_SCHEDULER"
"""The environment variable that says where a scheduler keeps its jobs."""

_KEPT = ("PATH", "HOME", "ENGINEROOM_TEST_RUN", "ENGINEROOM_SOCKET_DIR", "SPT_NOENV")
"""What jobs see of the environment of those who submit: next to nothing, and the marks of the tests."""

_SESSION = 'echo $$ >"$0.pid"; test -e "$0.canceled" || exec "$@"'
_KEEPER = f"""setsid sh -c '{_SESSION}' "$0" "$@" & wait $!; echo $? >"$0.exit\""""
"""Runs a process, and notes its pid (which is also that of its session) and its end."""

WAITING, RUNNING, ENDED = "waiting", "running", "ended"


class Jobs:
    """All jobs of a scheduler."""

    def __init__(self) -> None:
        self.directory = Path(os.environ[DIRECTORY])

    def said(self, name: str) -> str:
        """Return what the file `name` says, "" if there is none."""
        try:
            return (self.directory / name).read_text().strip()
        except FileNotFoundError:
            return ""

    def next_number(self) -> int:
        """Return the number of the job that comes next: nobody else gets it."""
        for number in itertools.count(11):
            with contextlib.suppress(FileExistsError):
                (self.directory / f"{number}.taken").open("x").close()
                return number
        raise AssertionError

    def submit(self, processes: list[dict[str, Any]], *, number: int = 0, **facts: Any) -> int:
        """Take a job of `processes`: each has argv, and may have cwd, environment, stdout and stderr."""
        number = number or self.next_number()
        self._write(number, {"processes": processes, "started": False, **facts})
        self.start_what_may()
        return number

    def job(self, number: int) -> dict[str, Any] | None:
        """Return what was said of a job, None if there is none."""
        said = self.said(f"{number}.json")
        return json.loads(said) if said else None

    def numbers(self) -> list[int]:
        return sorted(int(path.stem) for path in self.directory.glob("*.json"))

    def start_what_may(self) -> None:
        """Start the jobs that wait, unless they are to."""
        for number in self.numbers():
            with self._alone():
                job = self.job(number)
                assert job is not None
                if job["started"] or job.get("canceled") or self.said("hold") or self.said("held"):
                    continue
                self._write(number, {**job, "started": True})
                for index, process in enumerate(job["processes"]):
                    self._start(f"{number}.{index}", process)

    def states(self, number: int) -> list[tuple[str, int]]:
        """Return, for each process of a job, how it is, and its exit code if it has ended."""
        job = self.job(number)
        assert job is not None
        if job.get("canceled") and not job["started"]:
            return [(ENDED, -signal.SIGTERM) for _ in job["processes"]]
        ends = [self.said(f"{number}.{index}.exit") for index in range(len(job["processes"]))]
        alive = RUNNING if job["started"] else WAITING
        return [(ENDED, _exit_code(end)) if end else (alive, 0) for end in ends]

    def signal(self, number: int, signum: int, index: int | None = None) -> None:
        """Send a signal to the processes of a job, or to one of them; who has not started is told nothing."""
        for path in self.directory.glob(f"{number}.{'*' if index is None else index}.pid"):
            if not path.with_suffix(".exit").exists() and (pid := path.read_text().strip()):
                try:
                    os.killpg(int(pid), signum)
                except ProcessLookupError:
                    continue  # it has just ended

    def cancel(self, number: int) -> None:
        """End a job, and return when its processes have ended."""
        with self._alone():
            job = self.job(number)
            assert job is not None
            self._write(number, {**job, "canceled": True})
        for index in range(len(job["processes"])):
            (self.directory / f"{number}.{index}.canceled").touch()  # for one that has not noted its pid yet
        self.signal(number, signal.SIGKILL)
        pause = threading.Event()
        while any(state == RUNNING for state, _ in self.states(number)):
            pause.wait(0.01)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other commands from changing jobs meanwhile."""
        with (self.directory / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _start(self, name: str, process: dict[str, Any]) -> None:
        environment = {key: value for key, value in os.environ.items() if key in _KEPT}
        with open(process.get("stdout", os.devnull), "ab") as out, open(process.get("stderr", os.devnull), "ab") as err:
            subprocess.Popen(
                ["sh", "-c", _KEEPER, str(self.directory / name), *process["argv"]],
                cwd=process.get("cwd") or None,
                env={**environment, **process.get("environment", {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err if "stderr" in process else out,
                start_new_session=True,
            )

    def _write(self, number: int, job: dict[str, Any]) -> None:
        beside = self.directory / f"{number}.new"
        beside.write_text(json.dumps(job))
        beside.replace(self.directory / f"{number}.json")


def _exit_code(said: str) -> int:
    code = int(said)
    return 128 - code if code > 128 else code  # what a shell says of a process that a signal ended
