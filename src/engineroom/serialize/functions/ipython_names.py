"""Which globals of a notebook are IPython's own rather than the user's."""

from __future__ import annotations

import sys
from typing import Any

NAMES = frozenset({"In", "Out", "_ih", "_oh", "_dh", "exit", "quit", "get_ipython", "open"})
"""What IPython puts into a user's namespace, apart from results and inputs of cells (`_`, `_1`, `_i1`)."""


def is_of_ipython(name: str, value: object) -> bool:
    """Whether the global `name` is what IPython has put there; a script's or a user's own is not."""
    if name not in NAMES:
        return False
    module: Any = sys.modules.get("IPython.core.interactiveshell")
    shell = None if module is None else module.InteractiveShell._instance
    return shell is not None and shell.user_ns_hidden.get(name) is value
