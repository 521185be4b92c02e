"""Lists of tasks of an array, as batch systems write them."""

from __future__ import annotations

import re

_RANGE = re.compile(r"(\d+)(?:-(\d+)(?::(\d+))?)?")


def tasks_in(listed: str) -> int:
    """Return how many tasks `1,4-6,8-12:2%3` are (here 7; 3 may run), 0 if that can't be told."""
    count = 0
    for part in listed.partition("%")[0].split(","):
        found = _RANGE.fullmatch(part.strip())
        if found is None:
            return 0  # abbreviated, as long lists are
        first, last, step = (int(number) if number else None for number in found.groups())
        assert first is not None
        count += len(range(first, (first if last is None else last) + 1, step or 1))
    return count
