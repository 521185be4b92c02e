"""IPython in a real terminal: what its user sees of engines."""

from __future__ import annotations

import re
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
    ipython.types("print('6 *', 7); view.apply_sync(time.sleep, 3600)")
    ipython.shows("6 * 7")  # what was typed alone is seen before it runs
    ipython.presses("C-c")
    ipython.shows("KeyboardInterrupt", "In [3]:")


def test_a_cell_on_engines_is_seen_while_it_runs_and_interrupted(ipython: Terminal) -> None:
    ipython.types("%px import time; print('early'); time.sleep(3600)")
    ipython.shows("[stdout:0-1] early")
    ipython.presses("C-c")
    ipython.shows("KeyboardInterrupt", "In [3]:")
    ipython.types("%px 6 * 7")
    ipython.shows("Out[0-1:", "42", "In [4]:")


def test_a_wait_shows_a_bar(ipython: Terminal) -> None:
    ipython.types("rc.load_balanced_view().map_async(time.sleep, [0.2] * 40).get(progress=True)[-1:]")
    ipython.wait(lambda: re.search(r"\b([5-9]|[123]\d)/40 items", ipython.text))
    ipython.shows("Out[2]: [None]", "In [3]:")
