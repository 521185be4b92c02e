"""The client: connections to a cluster, views of its engines, and results.

Engines import a module of this package too, so nothing is imported before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engineroom.client.client import Client
    from engineroom.client.maps.lazy_map import LazyMapIterator
    from engineroom.client.maps.map_results import AsyncMapResult
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.views.balanced import LoadBalancedView
    from engineroom.client.views.broadcast import BroadcastView
    from engineroom.client.views.direct import DirectView
    from engineroom.client.views.executor import ViewExecutor
    from engineroom.client.views.remote import RemoteFunction, remote

__all__ = [
    "AsyncMapResult",
    "AsyncResult",
    "BroadcastView",
    "Client",
    "DirectView",
    "LazyMapIterator",
    "LoadBalancedView",
    "RemoteFunction",
    "ViewExecutor",
    "remote",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("engineroom"), name)
    if name in {"asyncresult", "client", "remotefunction", "view"}:  # used as attributes after `import ipyparallel`
        return import_module(f"engineroom.client.{name}")
    raise AttributeError(f"module 'engineroom.client' has no attribute {name!r}")
