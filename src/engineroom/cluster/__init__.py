"""Starting, finding and stopping a whole cluster: a controller, its engines, and the host that owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engineroom.cluster.cluster import Cluster
    from engineroom.cluster.cluster_manager import ClusterManager, clean_cluster_files

__all__ = ["Cluster", "ClusterManager", "clean_cluster_files"]

_HOMES = {"Cluster": "cluster", "ClusterManager": "cluster_manager", "clean_cluster_files": "cluster_manager"}


def __getattr__(name: str) -> Any:
    """Return a public name, imported when it is first used: a host starts its children before it loads any of it."""
    from importlib import import_module

    if name == "launcher":  # used as an attribute after `import ipyparallel`
        return import_module(f"{__name__}.launcher")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
