"""IPython's shell for tasks that are no cells: `display()` and `get_ipython()` of IPython find it, as in a cell."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any


def watched(make: Callable[[], object]) -> dict[str, Callable[[Any], None]]:
    """Return what is to be done once IPython has been imported. `make`: makes the shell, if there is none yet."""
    process = os.getpid()

    def make_when_asked(module: Any) -> None:
        kind = module.InteractiveShell

        def initialized(cls: Any) -> bool:
            del kind.initialized  # the inherited one knows from now on
            # Not in a child that a task forked, and not while our shell is being made.
            if os.getpid() == process and "engineroom.engine.cells" not in sys.modules:
                make()
            return bool(cls.initialized())

        kind.initialized = classmethod(initialized)

    return {"IPython.core.interactiveshell": make_when_asked}
