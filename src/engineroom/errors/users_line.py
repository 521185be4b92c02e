"""Where in the user's code a warning of ours belongs."""

from __future__ import annotations

import sys

_OURS = frozenset({"engineroom", "engineroom_ipyparallel"})


def stacklevel() -> int:
    """Return the `stacklevel` with which our caller's `warnings.warn` names the line of the user's."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] in _OURS:
        frame, level = frame.f_back, level + 1
    return level
