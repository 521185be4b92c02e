"""Where this controller's Unix socket is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engineroom.transport.socket_places import socket_directory


def socket_path(security_dir: Path, cluster_id: str) -> Path:
    """Return the path: short (the limit is about 100 bytes), and the same at each start of the cluster."""
    what = f"{security_dir.resolve()}\0{cluster_id}".encode()
    return socket_directory() / f"{hashlib.blake2b(what, digest_size=8).hexdigest()}.sock"
