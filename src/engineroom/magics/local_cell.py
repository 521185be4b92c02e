"""The part of `%%px --local` that runs here."""

from __future__ import annotations

import asyncio
from typing import Any

from IPython.core.error import UsageError

from engineroom.errors import EngineroomError
from engineroom.magics.autopx import paused


class LocalCellFailed(EngineroomError):
    """The cell raised here; its traceback has been shown, above the output of the engines."""

    def __init__(self) -> None:
        super().__init__("the cell raised an error here, too: see its traceback above")

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class LocalCell:
    """A cell to run here while engines run it; `raise_error` once their output has been shown."""

    def __init__(self, shell: Any, code: str) -> None:
        self._shell, self._code, self._success = shell, code, True
        if code and _awaits(shell, code) and _in_a_loop():
            raise UsageError(
                "--local cannot run top-level `await` in a notebook, whose event loop runs this cell already: run the "
                "code here in a cell of its own"
            )

    def run(self) -> None:
        """Run the cell, unless it is empty; IPython shows its output and its error."""
        if not self._code:
            return
        with paused(self._shell):
            result = self._shell.run_cell(self._code)
        self._success = result.success
        if isinstance(result.error_in_exec, KeyboardInterrupt):
            raise KeyboardInterrupt

    def raise_error(self) -> None:
        """Raise LocalCellFailed if the cell failed here."""
        if not self._success:
            raise LocalCellFailed


def _awaits(shell: Any, code: str) -> bool:
    return bool(shell.should_run_async(code, transformed_cell=shell.transform_cell(code)))


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
