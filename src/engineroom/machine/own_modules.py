"""Where modules of the user's own may be: where she works, and beside her profile's files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


def places_for(profile_dir: str | os.PathLike[str]) -> list[str]:
    """Return where modules of the user's own may be beside where Python looks."""
    try:
        here = os.getcwd()
    except OSError:
        here = ""  # it was removed
    return list(dict.fromkeys(filter(None, (here, os.fspath(profile_dir)))))


@contextmanager
def importable(places: Iterable[str]) -> Iterator[None]:
    """Let modules in `places` be imported meanwhile, unless Python finds others of that name."""
    added = [place for place in places if place not in sys.path]
    sys.path.extend(added)
    try:
        yield
    finally:
        sys.path[:] = [place for place in sys.path if place not in added]


def stay_importable(places: Iterable[str]) -> None:
    """Let modules in `places` be imported from now on, unless Python finds others of that name."""
    sys.path.extend(place for place in places if place not in sys.path)
