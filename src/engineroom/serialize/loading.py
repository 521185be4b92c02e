"""Modules that are imported when they are first needed, also by a signal handler that interrupts their import.

A handler runs in the main thread, on top of what it interrupts. If that is an import, and the handler needs the same
module, it finds half of it; but for an import in another thread it waits.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from typing import Any

from engineroom.machine import threads

_LONGEST = 5.0
"""Seconds to wait for the other thread, which waits in turn if this one was interrupted while it imported something."""


def loaded(name: str) -> Any:
    """Return the module `name`, imported if it is not there. Some 150 ns if it is."""
    module = sys.modules.get(name)
    if module is not None and not getattr(module.__spec__, "_initializing", False):
        return module
    if threading.current_thread() is threading.main_thread():
        _import_elsewhere(name)
    return import_module(name)


def _import_elsewhere(name: str) -> None:
    def run() -> None:
        try:
            import_module(name)
        except BaseException:  # noqa: BLE001 -- who needs it will import it again, and get the same error
            return

    thread = threading.Thread(target=run, name=f"import {name}", daemon=True)
    try:
        threads.start(thread)
    except RuntimeError:  # there is no memory for one, or the interpreter is ending
        return
    thread.join(_LONGEST)
