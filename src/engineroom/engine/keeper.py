"""A process that outlives an engine which has no spawner: it writes its last words, and ends what its tasks left."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from typing import NoReturn

from engineroom.engine.last_words import LastWords
from engineroom.engine.overflow import AGAIN, SECONDS, cut
from engineroom.machine.left_behind import end_marked
from engineroom.machine.own_files import append_to
from engineroom.machine.titles import set_title

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
"""What a terminal or a batch system sends to all: it is for the engine, and the keeper ends after that."""


def keep_words(log_file: str, mark: str) -> LastWords | None:
    """Return where this engine process writes its last words; None if no process can keep them.

    Call it before there are threads. The keeper is nobody's child, so that no task waits for it by `os.wait()`.
    `log_file`: "" for standard error as it is now; `mark`: of what the engine's tasks start, which ends with it.
    """
    words = LastWords.new(forked=True) if hasattr(os, "pidfd_open") else None
    if words is None:
        return None
    engine = os.getpid()
    between = os.fork()
    if between == 0:
        with contextlib.suppress(BaseException):
            if os.fork() == 0:
                _keep(words, engine, log_file, mark)
        os._exit(0)
    os.waitpid(between, 0)
    return words


def _keep(words: LastWords, engine: int, log_file: str, mark: str) -> NoReturn:
    """Be the keeper: wait for the end of the process `engine`."""
    with contextlib.suppress(BaseException):
        for name in _SIGNALS:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        os.chdir("/")
        set_title("engineroom keeper")
        with contextlib.suppress(ProcessLookupError):
            ended = os.pidfd_open(engine)
            wait = SECONDS
            while not select.select([ended], [], [], wait)[0]:
                wait = AGAIN if cut(words) else SECONDS
        said = words.read()
        if said:
            target = append_to(log_file) if log_file else 2
            os.write(target, f"What engine process {engine} wrote last:\n{said}".encode())
        end_marked(mark)
    os._exit(0)
