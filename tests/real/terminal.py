"""A terminal of its own, by tmux: what a program shows there, and keys for it."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.real.installing import install
from tests.system.conftest import until

WIDTH, HEIGHT = 100, 50


class Terminal:
    """One program in a terminal of 100 columns. `start()` first; `stop()` in the end."""

    def __init__(self, directory: Path) -> None:
        self._socket = directory / "tmux"  # a server of its own
        self._directory = directory

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        install("tmux", command="tmux")
        (self._directory / "tmux.conf").write_text("set -g history-limit 5000\nset -g remain-on-exit on\n")
        self._tmux(
            *("-f", str(self._directory / "tmux.conf"), "new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT)),
            shlex.join(command),
            environment={**os.environ, **environment, "TERM": "xterm-256color"},
        )

    def types(self, text: str) -> None:
        """Type `text` and press Enter."""
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")

    def presses(self, *keys: str) -> None:
        """Press keys by their names, such as "C-c", "Tab" or "Enter"."""
        self._tmux("send-keys", *keys)

    @property
    def text(self) -> str:
        """All that it has shown, without what was overwritten; lines that were too long for it are whole."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-")

    def shows(self, *words: str) -> str:
        """Wait until the terminal shows all of `words`; return what it shows then."""
        return self.wait(lambda: (text := self.text) and all(each in text for each in words) and text)

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Return the first true value of `condition()`; if there is none, the error has what the terminal shows."""
        try:
            return until(condition)
        except AssertionError as error:
            raise AssertionError(f"{error}; the terminal shows:\n{self.text}") from None

    def stop(self) -> None:
        self._tmux("kill-server")

    def _tmux(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        command = ["tmux", "-S", str(self._socket), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout
