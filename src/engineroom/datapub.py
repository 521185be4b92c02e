"""Publishing data from a running task, by the module that scripts written for ipyparallel import it from."""

from __future__ import annotations

from engineroom.engine.datapub import publish_data

__all__ = ["publish_data"]
