"""A real IPython shell in the process of the test: what is typed there, and what it shows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


class Shown(NamedTuple):
    """What a cell has shown, and the error that it ended with."""

    text: str
    errors: str
    error: BaseException | None


class Typed:
    """Runs cells in `shell`, as if somebody typed them."""

    def __init__(self, shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
        self.shell, self._capsys = shell, capsys
        shell.user_ns.clear()
        shell.init_user_ns()

    def __call__(self, cell: str) -> Shown:
        self._capsys.readouterr()
        result = self.shell.run_cell(cell, store_history=True)
        sys.stdout.flush()
        text, errors = self._capsys.readouterr()
        return Shown(text, errors, result.error_before_exec or result.error_in_exec)

    def right(self, cell: str) -> str:
        """Run a cell that must not fail; return what it shows on stdout."""
        shown = self(cell)
        assert shown.error is None, f"{cell}\n{shown.text}{shown.errors}"
        return shown.text


@contextmanager
def ipython() -> Iterator[Any]:
    """Yield a shell that `get_ipython()` returns meanwhile."""
    options = {"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}}
    hooks = sys.displayhook, sys.excepthook
    shell = InteractiveShell.instance(config=Config(options))
    try:
        yield shell
    finally:
        InteractiveShell.clear_instance()
        sys.displayhook, sys.excepthook = hooks
