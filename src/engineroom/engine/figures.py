"""Figures that tasks draw with matplotlib: shown below what the task prints, as in a notebook.

Nothing here imports matplotlib or IPython: it acts when a task has imported them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

_INLINE = "module://matplotlib_inline.backend_inline"


def watched(at_ends: Callable[[Callable[[], object]], object], waits: Callable[[], object]) -> dict[str, Any]:
    """Return what is to be done once some modules have been imported, by their names.

    `at_ends(act)`: have `act()` called at the end of each task, while its output is still taken. `waits()`: whether
    another task waits within which the one that ends has run.
    """

    def show_at_ends(backend: Any) -> None:
        def show() -> None:
            if not waits():  # its figures would be shown and closed, too: they are drawn on later
                backend.flush_figures()

        at_ends(show)

    return {"matplotlib": choose_inline, "matplotlib_inline.backend_inline": show_at_ends}


def choose_inline(matplotlib: Any) -> None:
    """Have figures shown as displays, unless the environment names another backend. What a task chooses later wins.

    As in notebooks, this goes before a matplotlibrc file, which is most often meant for a desktop.
    """
    from importlib.util import find_spec  # whoever imports matplotlib has it

    if not os.environ.get("MPLBACKEND") and find_spec("matplotlib_inline") is not None:
        # Not in the environment: the programs that a task starts have no client that could see their figures.
        matplotlib.rcParams["backend"] = _INLINE
