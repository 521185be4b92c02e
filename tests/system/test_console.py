"""`ipcluster console`: cells run on one engine, at a terminal or piped in."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engineroom import Client, Cluster
from tests.patience import SECONDS
from tests.system.conftest import until

IPCLUSTER = str(Path(sys.executable).parent / "ipcluster")


def piped(cluster: Cluster, code: str, engine: str = "0") -> tuple[int, str]:
    """Return the exit code of a console into which `code` is piped, and what it prints."""
    command = [IPCLUSTER, "console", engine, f"--file={cluster.client_connection_file}"]
    done = subprocess.run(
        command, input=code, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False
    )
    return done.returncode, done.stdout


def _take_terminal() -> None:
    """Be at the terminal that Ctrl-C comes from."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))


class Terminal:
    """A console at a terminal."""

    def __init__(self, cluster: Cluster) -> None:
        self._end, other = pty.openpty()
        self.process = subprocess.Popen(
            [IPCLUSTER, "console", "0", f"--file={cluster.client_connection_file}"],
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 (it opens a file, and no more)
            env={**os.environ, "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm"},
        )
        os.close(other)
        self.shown = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.shows("In [engine 0]:")

    def _read(self) -> None:
        try:
            while data := os.read(self._end, 4096):
                self.shown += data.decode(errors="replace")
        except OSError:
            pass  # the other end is closed

    def types(self, keys: str) -> Terminal:
        self.shown = ""
        os.write(self._end, keys.encode())
        return self

    def shows(self, words: str) -> Terminal:
        until(lambda: words in self.shown)
        return self

    def leave(self) -> None:
        """Press Ctrl-D until it is heard: what is typed before the next prompt is lost."""

        def gone() -> bool:
            self.types("\x04")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
            return self.process.returncode is not None

        until(gone)

    def close(self) -> int:
        try:
            return self.process.wait(SECONDS)
        finally:
            self.process.kill()
            self._reader.join(SECONDS)
            os.close(self._end)


@pytest.fixture
def terminal(cluster: Cluster) -> Iterator[Terminal]:
    terminal = Terminal(cluster)
    yield terminal
    if terminal.process.returncode is None:
        terminal.leave()
        assert terminal.close() == 0


def test_cells_that_are_piped_in(cluster: Cluster, rc: Client) -> None:
    assert piped(cluster, "from_console = 6\nfor i in range(2):\n    print(i)\nfrom_console * 7\nexit\n") == (
        0,
        f"0\n1\nOut[0:{rc[0].execute('1').get().execution_count - 1}]: 42\n",
    )
    assert rc[0].pull("from_console").get() == 6


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("1/0", "ZeroDivisionError: division by zero"),
        ("def f(:", "SyntaxError"),
        ("%nothing", "Line magic function `%nothing` not found"),
    ],
)
def test_an_error_is_shown_once_and_is_the_exit_code(cluster: Cluster, code: str, words: str) -> None:
    exit_code, shown = piped(cluster, code)
    assert exit_code == 1
    assert shown.count(words) == 1


def test_engines_are_listed_and_wrong_ones_are_said(cluster: Cluster, rc: Client) -> None:
    file = f"--file={cluster.client_connection_file}"
    listed = subprocess.run([IPCLUSTER, "console", file], capture_output=True, text=True, timeout=SECONDS, check=True)
    lines = listed.stdout.splitlines()
    assert lines[0].split() == ["ENGINE", "HOST", "PID", "PYTHON", "WAITING", "DIRECTORY"]
    assert [line.split()[0] for line in lines[1 : 1 + len(rc)]] == [str(id_) for id_ in rc.ids]
    assert lines[-2] == "To open a console on engine 0:"
    assert "ipcluster console 0" in lines[-1]

    assert piped(cluster, "", "99") == (1, f"ipcluster: there is no engine 99: the engines are 0-{len(rc) - 1}\n")
    assert piped(cluster, "", "zero")[0] == 2


def test_a_terminal_shows_output_as_it_comes_and_ctrl_c_interrupts(terminal: Terminal, rc: Client) -> None:
    terminal.types("x = 20\r").shows("In [engine 0]:")
    terminal.types("x + 22\r").shows("]: 42")
    terminal.types("import threading; print('be' + 'gun'); threading.Event().wait(3600)\r").shows("begun")
    terminal.types("\x03").shows("KeyboardInterrupt")
    terminal.types("print('as ' * 2)\r").shows("as as")
    terminal.types("exit\r")
    assert terminal.close() == 0
    assert rc[0].apply_sync(lambda: 1) == 1


def test_a_busy_engine_is_waited_for_or_not(terminal: Terminal, rc: Client) -> None:
    busy = rc[0].execute("import threading; threading.Event().wait(3600)", block=False)
    terminal.types("late = 1\r").shows("engine 0 is busy: the cell waits for its turn (Ctrl-C withdraws it)")
    terminal.types("\x03").shows("TaskAborted")
    busy.abort()
    busy.wait(SECONDS)
    terminal.types("'late' in globals()\r").shows("False")


def test_a_console_whose_connection_file_is_missing_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [IPCLUSTER, "console", "0", f"--file={tmp_path / 'none.json'}", "--timeout=0.2"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert "none.json" in done.stderr
    assert signal.Signals.SIGINT.name not in done.stderr
