"""Why a cluster stops, where somebody wants it to: then its tasks end with it. And why engines end on purpose.

In all other cases the next one may go on with them, if they are in a database.
"""

from __future__ import annotations

BY_COMMAND = "ipcluster stop"
BY_OWNER = "the cluster was stopped"
CONTROLLER_ALONE = "the controller was stopped"
ASKED = "asked to"
CTRL_C = "received SIGINT"

_ON_PURPOSE = frozenset((BY_COMMAND, BY_OWNER, CONTROLLER_ALONE, ASKED, CTRL_C))


def is_on_purpose(reason: str) -> bool:
    """Whether somebody wants the cluster to end. SIGTERM is no such wish: machines and jobs end by it, too."""
    return reason in _ON_PURPOSE


ENGINE_ENDS = frozenset(("exit", "shut down by a client", "stopped by its host"))
"""The causes of ends of single engines that somebody has asked for."""


def engine_was_ended(cause: str) -> bool:
    """Whether somebody wanted an engine to end, alone or with its cluster."""
    return cause in ENGINE_ENDS or is_on_purpose(cause)
