"""The part of `%%px --local` that runs here."""

from __future__ import annotations

from typing import Any

from engineroom.errors import EngineroomError


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

    def run(self) -> None:
        """Run the cell, unless it is empty; IPython shows its output and its error."""
        if not self._code:
            return
        result = self._shell.run_cell(self._code)
        self._success = result.success
        if isinstance(result.error_in_exec, KeyboardInterrupt):
            raise KeyboardInterrupt

    def raise_error(self) -> None:
        """Raise LocalCellFailed if the cell failed here."""
        if not self._success:
            raise LocalCellFailed
