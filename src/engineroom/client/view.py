"""The views, under the module name that ipyparallel scripts import."""

from __future__ import annotations

from engineroom.client.maps.lazy_map import LazyMapIterator
from engineroom.client.views.balanced import LoadBalancedView
from engineroom.client.views.direct import DirectView
from engineroom.client.views.executor import ViewExecutor
from engineroom.client.views.view import View
from engineroom.not_built import not_built

BroadcastView = not_built("BroadcastView")

__all__ = ["BroadcastView", "DirectView", "LazyMapIterator", "LoadBalancedView", "View", "ViewExecutor"]
