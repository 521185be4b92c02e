"""A pretend batch system on PATH: its commands are those of `fake_commands/`, and really run what they are given."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

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
        programs = directory / "bin"
        programs.mkdir()
        for name in commands:
            program = programs / name
            program.write_text(
                _PROGRAM.format(python=sys.executable, commands=str(_COMMANDS), name=name, module=module)
            )
            program.chmod(0o755)
        patch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("FAKE_SCHEDULER", str(self._jobs))

    def say(self, name: str, words: str) -> None:
        """Tell the scheduler something: `hold` and `reject` are heard by all of them."""
        (self._jobs / name).write_text(words)

    def release(self) -> None:
        """Have jobs wait no longer."""
        (self._jobs / "hold").unlink()

    def pids(self, job: int) -> list[int]:
        """Return the processes of a job that have not ended."""
        found = (path for path in self._jobs.glob(f"{job}.*.pid") if not path.with_suffix(".exit").exists())
        return [int(path.read_text()) for path in found if path.read_text().strip()]

    def jobs(self) -> list[int]:
        """Return the numbers of all jobs that were ever submitted."""
        return sorted(int(path.stem) for path in self._jobs.glob("*.json"))
