"""What a forked engine does first: release what belongs to its parent; and what its own forks do."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from engineroom.engine.config import EngineConfig
from engineroom.engine.last_words import LastWords
from engineroom.machine.own_files import append_to, make_directory
from engineroom.machine.processes import die_with_parent


def leave_parent(config: EngineConfig, parent: int, words: LastWords | None) -> None:
    """Become a session of our own, with plain signals, an empty stdin, our own log, and no other descriptors."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for signum in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as Python has it
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if not die_with_parent(signal.SIGKILL, parent):
        os._exit(0)
    _replace_descriptors(config.log_file, words)


def _replace_descriptors(log_file: str, words: LastWords | None) -> None:
    """Read from nowhere, write to the files of `words`, or to the log (2 stays as it is when there is neither); close
    all else."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    if log_file:
        make_directory(Path(log_file).parent)
        log = append_to(log_file)
        os.dup2(log, 2)
    os.dup2(2, 1)
    if words is not None:
        words.become_streams()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def end_child(problem: BaseException | None) -> NoReturn:
    """End a process that user code forked, which has returned from the task or raised `problem`, as a script would."""
    code = 0 if problem is None else 1
    if isinstance(problem, SystemExit) and (problem.code is None or isinstance(problem.code, int)):
        code = problem.code or 0
    elif problem is not None:
        traceback.print_exception(problem)
    for stream in (getattr(sys, "stdout", None), getattr(sys, "stderr", None)):  # some may be deleted
        if stream is not None:
            with contextlib.suppress(Exception):  # somebody's own
                stream.flush()
    os._exit(code & 0xFF)
