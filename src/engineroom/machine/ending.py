"""The end of a process that is ours alone."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from typing import NoReturn


def end(code: int) -> NoReturn:
    """End this process as `sys.exit(code)` does, but without taking Python apart. In the main thread.

    That takes a quarter of the CPU time of a short process, and the kernel takes everything back anyway. Threads are
    waited for, exit functions are called and streams are written. Not for processes that run code of users: their
    objects may have more to do when they go.
    """
    with contextlib.suppress(KeyboardInterrupt):  # somebody does not want to wait
        threading._shutdown()  # type: ignore[attr-defined]  # as multiprocessing ends its children
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # none, broken, closed
            stream.flush()
    os._exit(code & 0xFF)
