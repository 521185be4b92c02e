"""IPython in a real terminal: what its user sees of engines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engineroom import Cluster
from tests.real.terminal import Terminal


@pytest.fixture
def ipython(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Yield IPython in a terminal, with a client `rc` of two engines."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    terminal = Terminal(tmp_path)
    with Cluster(n=2, cluster_id=""):
        terminal.start([sys.executable, "-m", "IPython", "--no-banner", "--no-confirm-exit"], {})
        try:
            terminal.shows("In [1]:")
            terminal.types("import time, engineroom as er; rc = er.Client(); view = rc[:]; len(rc)")
            terminal.shows("Out[1]: 2", "In [2]:")
            yield terminal
        finally:
            terminal.stop()


def test_a_call_is_interrupted_and_the_prompt_is_there_again(ipython: Terminal) -> None:
    ipython.types("view.apply_sync(time.sleep, 3600)")
    ipython.wait(lambda: "In [2]: view.apply_sync" in ipython.text)
    ipython.presses("C-c")
    ipython.shows("KeyboardInterrupt", "In [3]:")
