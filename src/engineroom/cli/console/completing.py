"""Completion of names that are on an engine. This module is imported there, too."""

from __future__ import annotations

from itertools import islice
from typing import Any

MOST = 500
"""Matches that are sent."""


def matches(line: str, cursor: int) -> list[tuple[int, str]]:
    """Return, on an engine, what may stand before `cursor` instead: from where on, and the text."""
    import builtins  # with what an engine puts there

    from IPython.core.completer import provisionalcompleter, rectify_completions

    shell: Any = vars(builtins)["get_ipython"]()
    completer = shell.Completer
    with provisionalcompleter():
        found = rectify_completions(line, list(islice(completer.completions(line, cursor), MOST)))
        return list(dict.fromkeys((each.start, each.text) for each in found if each.end == cursor))
