"""What IPython may complete at a place in code, on an engine."""

from __future__ import annotations

from itertools import islice
from typing import Any

MOST = 500
"""Matches that are looked at."""


def completions(completer: Any, text: str, cursor: int) -> list[tuple[int, int, str]]:
    """Return what may stand in `text` at `cursor` instead: from where on, up to where, and what."""
    from IPython.core.completer import provisionalcompleter, rectify_completions  # clients name this module, too

    with provisionalcompleter():
        found = rectify_completions(text, list(islice(completer.completions(text, cursor), MOST)))
        return list(dict.fromkeys((each.start, each.end, each.text) for each in found))
