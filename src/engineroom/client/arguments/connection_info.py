"""What a Client connects by, as its user gives it."""

from __future__ import annotations

import os
import re
from typing import Any

_SCHEME = re.compile(r"(?:tcp|tls|ucx|wss?|inproc|https?|ray|ipc)://")
_HOST_AND_PORT = re.compile(r"[\w.-]+:[0-9]{1,5}")


def checked_info(given: Any) -> str | os.PathLike[str] | dict[str, Any] | None:
    """Return `given` if it may be a connection file or what is in one; TypeError: it can't, and what to write."""
    if isinstance(given, str) and _is_address(given):
        raise TypeError(
            f"{given!r} is an address, and a Client needs the key of the controller, too. Pass the path of its "
            "ipcontroller-client.json, or without arguments connect to the cluster of the default profile"
        )
    if hasattr(given, "connect_client_sync"):
        raise TypeError("to connect to a Cluster, write `cluster.connect_client_sync()`, or `Client(cluster=cluster)`")
    if not isinstance(given, str | os.PathLike | dict | None):
        raise TypeError(f"connection_info must be a path or a dict, not {given!r}")
    return given


def _is_address(text: str) -> bool:
    return bool(_SCHEME.match(text)) or (bool(_HOST_AND_PORT.fullmatch(text)) and not os.path.exists(text))
