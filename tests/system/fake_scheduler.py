"""A pretend batch system on PATH: its commands are those of `fake_commands/`, and really run what they are given."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.reader import Reader

_COMMANDS = Path(__file__).parent / "fake_commands"
_PROGRAM = """\
#!{python} -SE
import sys
sys.path.insert(0, {commands!r})
sys.argv[0] = {name!r}
from {module} import main
sys.exit(main(sys.argv[1:]))
"""


class FakeScheduler:
    """The scheduler whose commands in `module` are on PATH by the names in `commands`."""

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch, module: str, *commands: str) -> None:
        self._jobs = directory / "jobs"
        self._jobs.mkdir(parents=True)
        self.programs = directory / "bin"
        self.programs.mkdir()
        for name in commands:
            program = self.programs / name
            program.write_text(
                _PROGRAM.format(python=sys.executable, commands=str(_COMMANDS), name=name, module=module)
            )
            program.chmod(0o755)
        patch.setenv("PATH", f"{self.programs}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("FAKE_SCHEDULER", str(self._jobs))

    def serves(self, reader: Reader) -> Reader:
        """Return `reader` with the scheduler's commands on the path."""
        reader.environment["PATH"] = f"{self.programs}{os.pathsep}{reader.environment['PATH']}"
        reader.environment["FAKE_SCHEDULER"] = str(self._jobs)
        return reader

    def say(self, name: str, words: str) -> None:
        """Tell the scheduler something: `hold` and `reject` are heard by all of them."""
        (self._jobs / name).write_text(words)

    def said(self, name: str) -> str:
        """Return what a file of the scheduler says."""
        return (self._jobs / name).read_text()

    def release(self) -> None:
        """Have jobs wait no longer."""
        for name in ("hold", "held"):
            (self._jobs / name).unlink(missing_ok=True)

    def end(self, job: int, reason: str) -> None:
        """End a job, as the scheduler does for that reason."""
        self.say(f"{job}.reason", reason)
        for pid in self.pids(job):
            os.killpg(pid, signal.SIGKILL)

    def cancel(self, job: int) -> None:
        """End a job, whoever asks for that."""
        self.end(job, "canceled")

    def pids(self, job: int) -> list[int]:
        """Return the processes of a job that have not ended."""
        found = (path for path in self._jobs.glob(f"{job}.*.pid") if not path.with_suffix(".exit").exists())
        return [int(path.read_text()) for path in found if path.read_text().strip()]

    def jobs(self) -> list[int]:
        """Return the numbers of all jobs that were ever submitted."""
        return sorted(int(path.stem) for path in self._jobs.glob("*.json"))


def profile_of(reader: Reader, name: str, *lines: str) -> str:
    """Return the option that chooses a profile of the reader's with these `lines` in its ipcluster_config.py."""
    path = reader.profile(name).path
    path.mkdir(parents=True)
    (path / "ipcluster_config.py").write_text("\n".join(["c = get_config()", *lines, ""]))
    return f"--profile={name}"


def running(script: str) -> str:
    """Return the line of a profile by which `script` of a shell is run in place of engines; `"$@"`: an engine."""
    argv = ["sh", "-c", script, sys.executable, "-m", "engineroom.cli.ipengine"]
    return f"c.EngineLauncher.engine_cmd = {argv}"
