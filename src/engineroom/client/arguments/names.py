"""Names of variables that users give to views, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def check_name(name: Any) -> None:
    """Do nothing; TypeError: it is not a str."""
    if not isinstance(name, str):
        raise TypeError(f"a variable's name must be a str, not {name!r}")


def checked_names(names: Iterable[Any]) -> list[str]:
    """Return a list of names; TypeError: one is not a str, or it is not a list."""
    if not isinstance(names, Iterable):
        raise TypeError(f"expected a variable's name or a list of names, got {names!r}")
    wanted = list(names)
    for name in wanted:
        check_name(name)
    return wanted
