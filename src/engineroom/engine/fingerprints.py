"""What tells values on several engines apart: a hash of what they hold, and a summary of one line."""

from __future__ import annotations

import re
import reprlib
import sys
from typing import Any, NamedTuple

from engineroom.engine.value_hash import hash_of

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
_WIDTH = 60
"""Characters of a summary's text."""


class Fingerprint(NamedTuple):
    """What one engine has. `digest`: "" if values of this type cannot be compared; `missing`: it has no such value."""

    digest: str
    summary: str
    missing: bool = False


def fingerprint_of(expression: str) -> Fingerprint:
    """Return the fingerprint of what `expression` is here, in the namespace of cells. It raises nothing."""
    try:
        value = eval(expression, vars(sys.modules["__main__"]))
    except Exception as error:  # noqa: BLE001 (what it is counts)
        words = f"{type(error).__name__}: {_one_line(str(error))}"
        return Fingerprint(words, words, missing=True)
    try:
        digest = hash_of(value)
    except Exception:  # noqa: BLE001 (a value may do anything when it is looked at)
        digest = ""
    return Fingerprint(digest, summary_of(value))


def summary_of(value: Any) -> str:
    """Return the type of `value`, its size where it has one, and the beginning of its repr, on one line."""
    facts = [type(value).__qualname__, _dtype(value), _size(value)]
    return " ".join([*filter(None, facts), _shown(value)]).rstrip()


def _dtype(value: Any) -> str:
    dtype = getattr(type(value), "dtype", None) and value.dtype
    return str(dtype)[:30] if dtype is not None else ""


def _size(value: Any) -> str:
    try:
        shape = value.shape if hasattr(type(value), "shape") else None
        if isinstance(shape, tuple):
            return str(shape)[:30]
        return f"of {len(value)}" if hasattr(type(value), "__len__") else ""
    except Exception:  # noqa: BLE001 (as above)
        return ""


def _shown(value: Any) -> str:
    short = reprlib.Repr()
    short.maxstring = short.maxother = _WIDTH
    try:
        return _one_line(short.repr(value))
    except Exception as error:  # noqa: BLE001 (as above)
        return f"(its repr raised {type(error).__name__})"


def _one_line(text: str) -> str:
    text = _ADDRESS.sub("0x...", text)  # which is another one on each engine
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."
