"""Dependencies, under the module name that ipyparallel scripts import; nothing of it is the controller's."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["Dependency", "depend", "dependent", "require"]  # noqa: F822 (see `__getattr__`)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("engineroom"), name)
