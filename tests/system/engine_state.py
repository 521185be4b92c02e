"""What a task can change of its engine for good, but for the modules that it imports."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from typing import Any

SET_BY_IMPORTS = ("KMP_INIT_AT_FORK",)
"""Environment variables that libraries set, and that only they read."""


def state() -> dict[str, Any]:
    """Return what there is to compare. (Runs on engines.)"""
    import psutil

    return {
        "process": os.getpid(),
        "names": sorted(name for name in vars(sys.modules["__main__"]) if not name.startswith("__")),
        "directory": os.getcwd(),
        "environment": {name: value for name, value in os.environ.items() if name not in SET_BY_IMPORTS},
        "path": list(sys.path),
        "finders": [repr(each) for each in sys.meta_path],
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "children": sorted(child.pid for child in psutil.Process().children()),
        "signals": {number: repr(signal.getsignal(number)) for number in signal.valid_signals()},
        "limits": [resource.getrlimit(each) for each in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE)],
        "streams": [repr(each) for each in (sys.stdin, sys.stdout, sys.stderr)],
    }
