"""Tables in HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

MOST_ROWS = 64
"""More rows than these are not shown; their number is."""

_CELL = "padding:2px 8px;text-align:left"


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]], *, note: str = "") -> str:
    """Return a table with a line above it and a smaller one below, with everything escaped.

    `rows`: as many cells as there are heads; the first `MOST_ROWS` of them are shown.
    """
    head = "".join(f"<th style='{_CELL}'>{escape(each)}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows[:MOST_ROWS])
    more = f"and {len(rows) - MOST_ROWS:,} more" if len(rows) > MOST_ROWS else ""
    below = "; ".join(filter(None, (more, note)))
    return (
        f"<div><div><b>{escape(title)}</b></div>"
        + (f"<table style='border-collapse:collapse'><tr>{head}</tr>{body}</table>" if rows else "")
        + (f"<div style='color:#888;font-size:smaller'>{escape(below)}</div>" if below else "")
        + "</div>"
    )


def _cell(value: object) -> str:
    return f"<td style='{_CELL}'>{escape(str(value))}</td>"


def size_in_words(size: float) -> str:
    """Return a number of bytes for people: "312 MiB", "1.4 GiB"."""
    mebibytes = size / 2**20
    return f"{mebibytes / 1024:.1f} GiB" if mebibytes >= 1000 else f"{mebibytes:.0f} MiB"
