"""Remote functions, by the module that scripts written for ipyparallel import them from."""

from __future__ import annotations

from engineroom.client.parallel import ParallelFunction, parallel
from engineroom.client.remote import RemoteFunction, remote

__all__ = ["ParallelFunction", "RemoteFunction", "parallel", "remote"]
