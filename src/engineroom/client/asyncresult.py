"""AsyncResult and related classes, under the module name that ipyparallel scripts import."""

from __future__ import annotations

from engineroom.client.maps.map_results import AsyncMapResult
from engineroom.client.results.async_result import AsyncResult
from engineroom.not_built import not_built
from engineroom.serialize.results import ExecuteReply

AsyncHubResult = not_built("AsyncHubResult")

__all__ = ["AsyncHubResult", "AsyncMapResult", "AsyncResult", "ExecuteReply"]
