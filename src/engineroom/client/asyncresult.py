"""AsyncResult and related classes, under the module name that ipyparallel scripts import."""

from __future__ import annotations

from engineroom.client.maps.map_results import AsyncMapResult
from engineroom.client.results.async_result import AsyncResult
from engineroom.client.results.hub_result import AsyncHubResult
from engineroom.serialize.results import ExecuteReply

__all__ = ["AsyncHubResult", "AsyncMapResult", "AsyncResult", "ExecuteReply"]
