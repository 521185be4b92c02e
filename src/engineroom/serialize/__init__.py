"""Packing values and calls to travel, and unpacking them.

The names of ipyparallel's module of this name are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engineroom.serialize.canning import can, can_map, uncan, uncan_map
    from engineroom.serialize.functions.declared import interactive
    from engineroom.serialize.old_names import (
        deserialize_object,
        pack_apply_message,
        serialize_object,
        unpack_apply_message,
        use_cloudpickle,
        use_dill,
        use_pickle,
    )
    from engineroom.serialize.prepickled import PrePickled
    from engineroom.serialize.references import Reference

__all__ = [
    "PrePickled",
    "Reference",
    "can",
    "can_map",
    "deserialize_object",
    "interactive",
    "pack_apply_message",
    "serialize_object",
    "uncan",
    "uncan_map",
    "unpack_apply_message",
    "use_cloudpickle",
    "use_dill",
    "use_pickle",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("engineroom"), name)
    raise AttributeError(f"module 'engineroom.serialize' has no attribute {name!r}")
