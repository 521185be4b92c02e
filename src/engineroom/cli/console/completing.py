"""Completion of names that are on an engine. This module is imported there, too."""

from __future__ import annotations

from engineroom.engine.completions import completions


def matches(line: str, cursor: int) -> list[tuple[int, str]]:
    """Return, on an engine, what may stand before `cursor` instead: from where on, and the text."""
    import builtins  # with what an engine puts there

    completer = vars(builtins)["get_ipython"]().Completer
    return [(start, text) for start, end, text in completions(completer, line, cursor) if end == cursor]
