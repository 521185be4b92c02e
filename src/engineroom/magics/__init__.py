"""Magics for IPython: not built yet. Those that users know say what to write meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError

_MEANWHILE = {
    "autopx": "write `rc[:].execute(code)` for each cell",
    "px": "write `ar = rc[:].execute(code)`, where `rc` is a Client, then `ar.get()` and `print(*ar.stdout)`",
    "pxconfig": "set flags of a view: `view = rc.direct_view(block=True)`",
    "pxresult": "keep what `rc[:].execute(code)` returns, and read `ar.get()` and `ar.stdout`",
}


def define(shell: Any) -> None:
    """Define the magics in `shell`; those that somebody else has defined there stay."""
    for name, meanwhile in _MEANWHILE.items():
        for kind in ("line", "cell"):
            if shell.find_magic(name, kind) is None:
                shell.register_magic_function(_explain(name, meanwhile), kind, name)


def _explain(name: str, meanwhile: str) -> Callable[..., None]:
    def magic(line: str, cell: str | None = None) -> None:
        del line, cell
        raise UsageError(f"%{name} is not available yet. Until then, {meanwhile}.")

    magic.__doc__ = f"Not available yet. Until then, {meanwhile}."
    return magic
