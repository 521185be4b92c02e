"""People at several machines, who start our programs there and copy files from one to the other."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.patience import SECONDS
from tests.real.hosts import Hosts
from tests.system.conftest import until

BIN = Path(sys.executable).parent


class Program:
    """One of our programs on one of the machines; its output is read as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def says(self, words: str, seconds: float = SECONDS) -> Program:
        """Wait until `words` are in the output."""
        try:
            until(lambda: words in self.output or not self._reader.is_alive(), seconds)
        finally:
            assert words in self.output, self.output
        return self

    def ends(self, seconds: float = SECONDS) -> int:
        """Wait for the end; return the exit code."""
        code = self.process.wait(seconds)
        self._reader.join(seconds)
        return code

    def kill(self) -> None:
        self.process.kill()
        self.ends()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.ends()
        finally:
            self.process.kill()
            self._reader.join()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self._lines.extend(self.process.stdout)


class Machines:
    """The machines of `hosts`: a profile, and a place for sockets, for each of them."""

    def __init__(self, hosts: Hosts, place: Path, **environment: str) -> None:
        """`environment`: for all programs; `place`: short, for it has sockets in it."""
        self.hosts, self.place, self._environment = hosts, place, environment
        self._programs: list[Program] = []

    def sockets(self, name: str) -> Path:
        place = self.place / name / "s"
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place

    def run(self, name: str, program: str, *arguments: str, cwd: Path | None = None, **environment: str) -> Program:
        """Start one of our programs on a machine, with the default profile there."""
        variables = {
            "ENGINEROOM_SOCKET_DIR": str(self.sockets(name)),
            "HOME": str(self.place / name),
            "IPYTHONDIR": str(self.place / name / "ipython"),
        }
        settings = [f"{key}={value}" for key, value in (variables | self._environment | environment).items()]
        where = ["-C", str(cwd)] if cwd else []
        command = ["env", *where, *settings, str(BIN / program), *arguments]
        self._programs.append(Program(self.hosts.run(name, *command)))
        return self._programs[-1]

    def security(self, name: str, profile: str = "default") -> Path:
        return self.place / name / "ipython" / f"profile_{profile}" / "security"

    def copy(self, role: str, source: str, target: Path, **changes: Any) -> Path:
        """Copy a connection file of the machine `source` to a directory, as scp would, once it is there."""
        file = self.security(source) / f"ipcontroller-{role}.json"
        until(file.exists)
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        copied = Path(shutil.copy(file, target))
        if changes:
            copied.write_text(json.dumps(json.loads(copied.read_text()) | changes))
        return copied

    def close(self) -> None:
        for program in reversed(self._programs):
            program.close()
