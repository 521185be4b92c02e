"""A cluster as a client knows it."""

from __future__ import annotations

from typing import Protocol


class StartedCluster(Protocol):
    """What a client needs of a `Cluster`, which lies above it."""

    n: int | None

    @property
    def client_connection_file(self) -> str:
        """The path of the connection file for clients."""
