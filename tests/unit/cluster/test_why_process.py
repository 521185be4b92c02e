"""What the system tells of a controller's process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from engineroom.machine.stopped import is_stopped

WAIT = "import sys; print(flush=True); sys.stdin.read()"
"""Says a line, and ends with its stdin."""


@pytest.fixture
def waiting() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
        process.send_signal(signal.SIGCONT)


def test_one_that_runs_and_one_that_is_stopped(waiting: subprocess.Popen[bytes]) -> None:
    assert not is_stopped(waiting.pid)
    waiting.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, waiting.pid, os.WSTOPPED | os.WNOWAIT)
    assert is_stopped(waiting.pid)


def test_one_that_has_ended(waiting: subprocess.Popen[bytes]) -> None:
    waiting.kill()
    waiting.wait()
    assert not is_stopped(waiting.pid)
