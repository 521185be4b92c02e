"""System commands that a cell runs: their output belongs to the task, and they get no input."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

import psutil

_GRACE = 1.0
"""Seconds that a command may take to end when its cell is interrupted."""


def run_command(command: str) -> int:
    """Run `command` in the user's shell; return its exit code, negative: the signal that ended it.

    An interrupt is handed on to the command, and raised here.
    """
    shell = os.environ.get("SHELL") or None
    process = subprocess.Popen(command, shell=True, executable=shell, stdin=subprocess.DEVNULL)
    try:
        code = process.wait()
    except BaseException:
        _end(process)
        raise
    return -(code - 128) if code > 128 else code


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and what it has started: first as Ctrl-C does."""
    try:
        command = psutil.Process(process.pid)
        all_of_it = [command, *command.children(recursive=True)]  # a shell whose command ends first goes on
    except psutil.NoSuchProcess:
        all_of_it = []
    for one in all_of_it:
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile, or became another user's, as with sudo
            one.send_signal(signal.SIGINT)
    _, left = psutil.wait_procs(all_of_it, timeout=_GRACE)
    for one in left:
        with contextlib.suppress(psutil.Error):
            one.kill()
    process.wait()
