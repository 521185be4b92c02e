"""Modules that are imported when they are first needed, by whoever needs them first."""

from __future__ import annotations

import signal
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
