"""What databases keep beside the rest of a task, so that they can look for it and sort by it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engineroom.store.records import microseconds

COLUMNS = {
    "state": ("state", "text"),
    "label": ("label", "text"),
    "engine_id": ("engine", "number"),
    "submitted": ("submitted", "date"),
    "started": ("started", "date"),
    "completed": ("completed", "date"),
}
"""By key, its column, and the kind of its values."""


def as_kept(operand: Any) -> Any:
    """Return a value as it stands in a column."""
    if isinstance(operand, datetime):
        return microseconds(operand)
    whole = isinstance(operand, int) and not -(2**63) <= operand < 2**63
    return float(operand) if whole else operand  # databases have no longer ones
