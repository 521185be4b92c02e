"""Launchers, where IPython.parallel and early versions of ipyparallel had them."""

from __future__ import annotations

from typing import Any

from engineroom.cluster import launcher
from engineroom.cluster.launcher import *  # noqa: F403 (all that is public there)


def __getattr__(name: str) -> Any:
    return getattr(launcher, name)
