"""Which store a controller uses, in a form that one process can tell another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec


class _Store(msgspec.Struct, frozen=True):
    """Base of these. Limits of 0 are none; ages are in seconds."""


class DictStore(_Store, frozen=True, tag="memory"):
    """In the controller's memory."""

    record_limit: int = 1024
    size_limit: int = 128 << 20
    cull_fraction: float = 0.1


class SQLiteFile(_Store, frozen=True, tag="sqlite"):
    """In the table `table` of a file; "": one for each life of a cluster."""

    path: str
    table: str = ""
    record_limit: int = 1_000_000
    size_limit: int = 4 << 30
    age_limit: float = 0.0


class MongoServer(_Store, frozen=True, tag="mongo"):
    """In a database of a MongoDB server."""

    connection_args: list[Any] = []
    connection_kwargs: dict[str, Any] = {}
    database: str = "ipython-tasks"
    record_limit: int = 1_000_000
    age_limit: float = 0.0


class NoDatabase(_Store, frozen=True, tag="none"):
    """Nowhere."""


class OwnStore(_Store, frozen=True, tag="own"):
    """In a store of the user's own: `module.Class`; `places`: where that module may be."""

    path: str
    places: list[str] = []


StoreConfig = DictStore | SQLiteFile | MongoServer | NoDatabase | OwnStore


def name_of_cluster(security_dir: Path, cluster_id: str) -> str:
    """Return what tells a cluster, in all its lives, from others that use the same file: its profile and its id."""
    return f"{security_dir.absolute()} {cluster_id}"
