"""Numbers that users give to clients and views, checked before anything uses them."""

from __future__ import annotations

import math
from typing import Any


def seconds(name: str, value: Any) -> float:
    """Return `value` as a float; TypeError: it is not a number. ValueError: it is below 0, or not a number (NaN)."""
    if isinstance(value, str | bytes | bool) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a number of seconds, not {value!r}")
    try:
        number = float(value)
    except OverflowError:  # longer than anybody waits
        number = math.inf if value > 0 else -math.inf
    if math.isnan(number) or number < 0:
        raise ValueError(f"{name} must be a number of seconds, 0 or more, not {value!r}")
    return number


def size(name: str, value: Any) -> int:
    """Return `value` as an int; TypeError: it is not an integer. ValueError: it is below 0."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a number of bytes, not {value!r}")
    if value < 0:
        raise ValueError(f"{name} must be a number of bytes, 0 or more, not {value!r}")
    return int(value)


def count(name: str, value: Any) -> int:
    """Return `value` as an int; TypeError: it is not an integer. ValueError: it is below 0."""
    if whole(name, value) < 0:
        raise ValueError(f"{name} must be 0 or more, not {value!r}")
    return int(value)


def whole(name: str, value: Any) -> int:
    """Return `value` as an int; TypeError: it is not an integer."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    return int(value)
