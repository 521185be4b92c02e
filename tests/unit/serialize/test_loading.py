"""Modules that are imported when they are first needed, by whoever needs them first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType

import pytest

from engineroom.serialize.loading import loaded
from tests.patience import SECONDS

SLOW = """
import builtins, os, signal
os.kill(os.getpid(), signal.SIGUSR1)
assert builtins.handler_has_begun.wait({seconds})
VALUE = 7
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory of modules that can be imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_signal_handler_that_interrupts_an_import_gets_the_whole_module(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "imported_slowly.py").write_text(SLOW.format(seconds=SECONDS))
    begun, found = threading.Event(), []
    monkeypatch.setattr("builtins.handler_has_begun", begun, raising=False)

    def handler(number: int, frame: FrameType | None) -> None:
        begun.set()
        found.append(loaded("imported_slowly").VALUE)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        assert loaded("imported_slowly").VALUE == 7
    finally:
        signal.signal(signal.SIGUSR1, before)
        sys.modules.pop("imported_slowly", None)
    assert found == [7]


def test_an_error_of_an_import_is_the_error_of_whoever_needs_it(place: Path) -> None:
    (place / "does_not_load.py").write_text("raise LookupError('no licence')")

    with pytest.raises(LookupError, match="no licence"):
        loaded("does_not_load")
    with pytest.raises(ModuleNotFoundError):
        loaded("is_not_there")


LATE = """
import os, sys, threading
from engineroom.machine.threads import start
from engineroom.serialize.deep import deeper
from engineroom.serialize.loading import loaded
from engineroom.client.connection.io_thread import IOThread
from engineroom.client.waiting.waits import CallbackThread

class Late:
    def __del__(self, write=os.write, io=IOThread("io"), callbacks=CallbackThread("callbacks")):
        write(1, b"the interpreter is ending\\n" if sys.is_finalizing() else b"too early\\n")
        callbacks.call(print)
        callbacks.stop()
        for begin in (io.start, lambda: deeper(print)):
            try:
                begin()
            except RuntimeError as error:
                write(1, str(error).encode() + b"\\n")
        try:
            loaded("imported_late")
        except ImportError:
            write(1, b"nothing can be imported\\n")

late = Late()
"""


def test_a_finalizer_that_runs_at_the_very_end_waits_for_no_thread(place: Path) -> None:
    (place / "imported_late.py").write_text("VALUE = b'loaded'\n")
    done = subprocess.run(
        [sys.executable, "-c", LATE],
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    no_thread = "can't create new thread at interpreter shutdown"
    assert (done.stdout.splitlines(), done.stderr) == (
        ["the interpreter is ending", no_thread, no_thread, "nothing can be imported"],
        "",
    )
