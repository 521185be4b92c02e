"""Where modules of the user's would be found that have not been imported: those that the shipped ones may import."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from typing import Any

from engineroom.serialize.modules.own import is_installed

_UNKNOWN = object()
_State = list[tuple[str, int]]


class Search:
    """Looks a name up once for as long as `sys.path` and its directories stay as they are."""

    def __init__(self) -> None:
        self._state: _State = []
        self._found: dict[str, Any] = {}

    def begin(self) -> None:
        """Forget what was found if it may have changed: one look at each directory, rather than one for each name."""
        state = [(entry, _modified(entry)) for entry in sys.path]
        if state != self._state:
            self._state, self._found = state, {}

    def place(self, root: str) -> Any:
        """Return the spec of a module or package of the user's; None: there is none of that name."""
        found = self._found.get(root, _UNKNOWN)
        if found is not _UNKNOWN:
            return found
        spec = None if root in sys.stdlib_module_names else _spec(root)
        file = (spec and spec.origin) or ""
        found = spec if file.endswith(".py") and not is_installed(os.path.abspath(file)) else None
        if file or spec is None:  # a directory without __init__.py may be given one unnoticed
            self._found[root] = found
        return found


def _modified(entry: str) -> int:
    try:
        return os.stat(entry or os.curdir).st_mtime_ns
    except OSError:  # the working directory may be gone too
        return -1


def _spec(root: str) -> Any:
    try:
        return PathFinder.find_spec(root, sys.path)
    except (ImportError, ValueError):
        return None
