"""Words that leave the console, and do not end the engine as they would in a cell."""

from __future__ import annotations

_WORDS = frozenset({"exit", "exit()", "quit", "quit()"})


def without_exit(code: str) -> tuple[str, bool]:
    """Return `code` without an `exit` at its end, and whether it had one."""
    lines = code.rstrip().splitlines()
    if lines and lines[-1] in _WORDS:  # not one that is indented: that is part of a statement
        return "\n".join(lines[:-1]), True
    return code, False
