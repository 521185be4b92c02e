"""Starting threads, also where none can be started any more."""

from __future__ import annotations

import sys
import threading


def start(thread: threading.Thread) -> None:
    """Start `thread`. RuntimeError: the interpreter is ending, as in a `__del__` that runs late: it would never run.

    Until Python 3.12, `Thread.start` waits for it there, for ever.
    """
    if sys.is_finalizing():
        raise RuntimeError("can't create new thread at interpreter shutdown")
    thread.start()
