"""Magics, under the module name that ipyparallel scripts import."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["ParallelMagics"]  # noqa: F822 (made below, when it is asked for)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("engineroom.magics.parallel_magics").ParallelMagics  # by name: magics stand above clients
