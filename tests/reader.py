"""Somebody who reads the documentation and types what it shows, in a home directory of his own."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from engineroom.settings.profiles import Profile
from tests.documented import Typed, blocks, typed
from tests.patience import SECONDS

HOME = "/home/me"
"""The reader's home directory, as pages show it."""

_STAYS = re.compile(r"(\w+=\S+ )*(mpiexec -n \d+ )?(ipcontroller|ipengine|ipcluster (start|engines))\b")
_ENDS = re.compile(r"--daemonize|--dry-run|--help|--show-config|--version|-h\b|\|")

Place = Callable[[str, str], list[str]]
"""From a host, as the prompt names it ("" for here), and a command, to what runs it there."""


def by_shell(host: str, command: str) -> list[str]:
    """Run `command` here, by a shell."""
    assert not host, f"the page says [{host}] $: say where that is"
    return ["bash", "-c", command]


_LAST_WORDS = 2.0
"""Seconds in which what a command printed last is read, unless something that it left behind keeps its output open."""


class Running:
    """One command that was typed."""

    def __init__(self, command: str, argv: list[str], *, directory: Path, environment: Mapping[str, str]) -> None:
        self.command, self.lines = command, list[str]()
        self.stays = bool(_STAYS.match(command)) and not _ENDS.search(command)
        self.process = subprocess.Popen(
            argv,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._news = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def prints(self, shown: list[str], home: Path) -> None:
        """Wait until the lines that a page shows have been printed, in their order."""
        with self._news:
            self._news.wait_for(lambda: not self._listener.is_alive() or not self._missing(shown, home), SECONDS)
            missing = self._missing(shown, home)
        assert not missing, f"$ {self.command}\ndoes not print {missing[0]!r}; it printed\n{self.output}"

    def says(self, *words: str) -> None:
        """Wait until each of `words` has been printed."""
        with self._news:
            self._news.wait_for(
                lambda: not self._listener.is_alive() or all(each in self.output for each in words), SECONDS
            )
        missing = [each for each in words if each not in self.output]
        assert not missing, f"$ {self.command}\ndoes not print {missing}; it printed\n{self.output}"

    def interrupt(self) -> None:
        """Type Ctrl-C, and wait for the end, which must be a good one."""
        self.process.send_signal(signal.SIGINT)
        self.ends()

    def ends(self) -> None:
        """Wait for the end, which must be a good one."""
        code = self.process.wait(SECONDS)
        self._listener.join(_LAST_WORDS)
        assert code == 0, f"$ {self.command}\nends with exit code {code}:\n{self.output}"

    def close(self) -> None:
        """End it, and all that it has started."""
        for signum in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, signum)
            except ProcessLookupError:
                break
            try:
                self.process.wait(SECONDS)
                self._listener.join(SECONDS)
            except subprocess.TimeoutExpired:
                continue
            if not self._listener.is_alive():
                break
        self.process.wait()
        self._listener.join(SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _missing(self, shown: list[str], home: Path) -> list[str]:
        """Return the lines of `shown` from the first on that is not there yet."""
        printed = iter([_plain(line, home) for line in self.lines])
        for number, line in enumerate(shown):
            wanted = _plain(line, home)
            if wanted in {"", "..."}:
                continue
            pattern = re.compile(".*".join(map(re.escape, wanted.split("..."))))
            if not any(pattern.fullmatch(each) for each in printed):
                return shown[number:]
        return []

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self._news.notify_all()


class Reader:
    """Types commands in `directory`, as one whose home is `home`; what stays in the foreground goes on until `close`.

    Of what a page shows, numbers with a point and those of three digits or more may differ, `...` stands for anything.
    """

    def __init__(self, home: Path, *, path: str = "", environment: Mapping[str, str] | None = None) -> None:
        """`path`: directories in front of PATH; `environment`: further variables."""
        self.home = self.directory = home
        home.mkdir(parents=True, exist_ok=True)
        places = [path, str(Path(sys.executable).parent), os.environ["PATH"]]
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "IPYTHONDIR"},
            "HOME": str(home),
            "PATH": os.pathsep.join(filter(None, places)),
            **(environment or {}),
        }
        self.running: list[Running] = []

    def profile(self, name: str = "default") -> Profile:
        """Return the reader's profile called `name`."""
        return Profile(self.home / ".ipython" / f"profile_{name}")

    def follows(self, page: str, name: str, *, place: Place = by_shell, **instead: str) -> list[Running]:
        """Type the commands of a block, each once the one before has printed what the page shows and, unless it is
        one that stays, has ended well. `instead`: words to be typed for others, such as host names."""
        return [self.types(each, place=place, **instead) for each in typed(page, name)]

    def types(self, words: Typed | str, *, place: Place = by_shell, **instead: str) -> Running:
        """Type one command; see `follows`."""
        told = Typed(words) if isinstance(words, str) else words
        command = told.command
        for shown, meant in instead.items():
            command = command.replace(shown, meant)
        argv = place(told.host, command)
        running = Running(command, argv, directory=self.directory, environment=self.environment)
        self.running.append(running)
        running.prints(told.prints, self.home)
        if not running.stays:
            running.ends()
        return running

    def writes(self, page: str, name: str, path: str | Path, *, after: str = "") -> Path:
        """Write the block called `name` to the file at `path`, in the reader's directory; return where."""
        place = self.directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(after + blocks(page)[name], encoding="utf-8")
        return place

    def runs_python(self, page: str, name: str, *, last: str = "") -> str:
        """Run the Python code of a block, and the line `last`; return what it prints."""
        code = f"{blocks(page, 'python')[name]}\n{last}\n"
        return self.types(f"python -c {shlex.quote(code)}").output

    def close(self) -> None:
        """End what still runs, the last one first."""
        while self.running:
            self.running.pop().close()


def _plain(line: str, home: Path) -> str:
    """Return a line without what differs from time to time and from machine to machine."""
    line = " ".join(line.replace(str(home), HOME).split())
    return re.sub(r"\d+\.\d+|\d{3,}", "0", line)
