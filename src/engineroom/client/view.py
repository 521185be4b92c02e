"""The views, under the module name that ipyparallel scripts import."""

from __future__ import annotations

from engineroom.client.maps.lazy_map import LazyMapIterator
from engineroom.client.views.balanced import LoadBalancedView
from engineroom.client.views.broadcast import BroadcastView
from engineroom.client.views.direct import DirectView
from engineroom.client.views.executor import ViewExecutor
from engineroom.client.views.view import View

__all__ = ["BroadcastView", "DirectView", "LazyMapIterator", "LoadBalancedView", "View", "ViewExecutor"]
