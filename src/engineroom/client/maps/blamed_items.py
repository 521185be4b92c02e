"""Which item of a map cannot be sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engineroom.errors import PackError
from engineroom.serialize.chunks.item_text import text_of
from engineroom.serialize.payloads import pickled


def blamed(columns: Sequence[Sequence[Any]], first: int) -> PackError | None:
    """Return an error about the first item that cannot be packed by itself."""
    for position in range(len(columns[0])):
        for column in columns:
            try:
                pickled(column[position], what=f"item {first + position} of the map ({text_of(columns, position)})")
            except PackError as error:
                return error
    return None
