"""Publishing data from a running task: its client reads them as `ar.data`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from engineroom.engine.published import Item
from engineroom.serialize.payloads import pack

__all__ = ["publish_data"]

Publish = Callable[[Mapping[object, Item]], bool]
"""Takes values of the task that runs, packed, by their names; False: no task runs."""


class _Place:
    """Where published values go: nowhere, except on an engine."""

    def __init__(self) -> None:
        self.publish: Publish | None = None
        self.process = 0


_place = _Place()


def publish_data(data: Mapping[Any, Any]) -> None:
    """Publish `data`, a dict, from the task that runs: the client reads the latest values as `ar.data`, at once.

    Values of the same names are replaced; others stay. All values of a task together may take 1 MiB. TypeError: `data`
    is no dict. ValueError: they take more, and nothing was published. PackError: a value cannot be sent. RuntimeError:
    no task runs here.
    """
    if not isinstance(data, Mapping):
        raise TypeError(f"publish_data() takes a dict, not {type(data).__name__}")
    if _place.publish is None:
        _refuse("this process is not an engine")
    if os.getpid() != _place.process:
        _refuse("this process was started by a task")
    items = {name: (_packed(name, "a name"), _packed(value, f"the value of {name!r}")) for name, value in data.items()}
    if not _place.publish(items):
        _refuse("no task runs on this engine now")


def publish_to(publish: Publish | None) -> None:
    """Have what this process publishes taken by `publish`; None: it is no engine."""
    _place.publish, _place.process = publish, os.getpid()


def _packed(value: object, what: str) -> bytes:
    packed = pack(value, what=what)
    return packed if isinstance(packed, bytes) else b"".join(packed)


def _refuse(reason: str) -> NoReturn:
    raise RuntimeError(f"publish_data() works in a task that runs on an engine, and {reason}. Call it in that task")
