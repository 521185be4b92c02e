"""Who runs this process, and what it is, for people."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path


@functools.cache
def user_name() -> str:
    """Return the name of the user of this process, or its number; "" where neither is to be had."""
    if not hasattr(os, "getuid"):
        return os.environ.get("USERNAME", "")
    import pwd  # not on every platform

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def program_name() -> str:
    """Return what this process runs: the notebook of a kernel, the name of a script, or "python"."""
    notebook = os.environ.get("JPY_SESSION_NAME", "")
    if notebook and "ipykernel" in sys.modules:
        return Path(notebook).name
    path = Path(sys.argv[0] if sys.argv and sys.argv[0] not in {"", "-c", "-m"} else "python")
    return path.parent.name if path.name == "__main__.py" else path.name
