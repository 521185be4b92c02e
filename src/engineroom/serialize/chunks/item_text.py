"""What an item of a map looks like in an error."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

_LONGEST = 80

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = 60
_repr.maxlong = 40


def text_of(columns: Sequence[Sequence[Any]], index: int) -> str:
    """Return a short repr of the arguments of item `index`: "3, 'abc'"; "" if they have none."""
    try:
        text = ", ".join(_repr.repr(column[index]) for column in columns)
    except Exception:  # noqa: BLE001 (the user's code)
        return ""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
