"""What is wrong with a query."""

from __future__ import annotations

from collections.abc import Iterable

from engineroom.errors import EngineroomError


class BadQuery(EngineroomError, ValueError):
    """A query that is none. `place`: where in it, such as "completed.$gt"."""

    def __init__(self, words: str, place: str = "") -> None:
        super().__init__(f"bad query at {place}: {words}" if place else f"bad query: {words}")
        self.place = place


def nearest(word: str, words: Iterable[str]) -> str:
    """Return "; did you mean ...?" with the one of `words` that is most like `word`, or ""."""
    import difflib  # few words are wrong

    found = difflib.get_close_matches(word, list(words), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
