"""Launchers and stores of the user's own, as they are named: by a class, its path, or the entry point of a package."""

from __future__ import annotations

from typing import Any, Self

ENTRY_POINTS = "engineroom.launchers"
"""The group of entry points by which installed packages offer launchers of their own: NAME = "module:Class"."""

OURS = ("IPython.parallel.", "ipyparallel.", "engineroom.")
"""What the paths of classes begin with that mean one of ours."""

_NO_MODULE = ("__main__", "builtins")
"""Where classes say they are from that were written in a notebook, a script, or a file of options."""


class OwnClass(str):
    """`module.Class` of what was given as a class, and cannot be imported under that name."""

    __slots__ = ("cls",)

    cls: type

    def __new__(cls, given: type) -> Self:
        made = super().__new__(cls, f"{given.__module__}.{given.__qualname__}")
        made.cls = given
        return made


def own_class_path(value: str | type, group: str = ENTRY_POINTS) -> str | None:
    """Return `module.Class` that `value`, a class, its path or the name of an entry point, means; None: one of ours."""
    if isinstance(value, OwnClass):
        return value
    if isinstance(value, type):
        path = f"{value.__module__}.{value.__qualname__}"
        if value.__module__ in _NO_MODULE or "<locals>" in path:
            return OwnClass(value)
        return None if path.startswith(OURS) else path
    if "." in value:
        return None if value.startswith(OURS) else value
    for found in own_entry_points(group):
        if found.name.lower() == value.lower():
            return str(found.value.replace(":", "."))
    return None


def own_entry_points(group: str = ENTRY_POINTS) -> Any:
    """Return the entry points in `group`: what installed packages offer. It is of launchers, unless it is given."""
    from importlib.metadata import entry_points  # takes 10 ms, and few have launchers of their own

    return entry_points(group=group)
