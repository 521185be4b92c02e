"""Remote functions, by the module that scripts written for ipyparallel import them from."""

from __future__ import annotations

from engineroom.client.remote import RemoteFunction, remote
from engineroom.not_built import not_built

ParallelFunction, parallel = map(not_built, ("ParallelFunction", "parallel"))

__all__ = ["ParallelFunction", "RemoteFunction", "parallel", "remote"]
