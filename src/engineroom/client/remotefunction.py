"""Remote functions, under the module name that ipyparallel scripts import."""

from __future__ import annotations

from engineroom.client.views.parallel import ParallelFunction, parallel
from engineroom.client.views.remote import RemoteFunction, remote

__all__ = ["ParallelFunction", "RemoteFunction", "parallel", "remote"]
