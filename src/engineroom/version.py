"""The version of engineroom that is installed."""

from __future__ import annotations

import functools


@functools.cache
def own_version() -> str:
    """Return the version, such as "1.2.0"."""
    from importlib.metadata import version  # takes 20 ms, and few ask

    return version("engineroom")
