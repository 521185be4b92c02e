"""Launchers of the user's own, as they are named: by a class, by its path, or by the entry point of a package."""

from __future__ import annotations

from typing import Any, Self

from engineroom.settings.named import Named

ENTRY_POINTS = "engineroom.launchers"
"""The group of entry points by which installed packages offer launchers of their own: NAME = "module:Class"."""

_NO_MODULE = ("__main__", "builtins")
"""Where classes say they are from that were written in a notebook, a script, or a file of options."""


class OwnClass(str):
    """`module.Class` of a launcher that was given as a class, and cannot be imported under that name."""

    __slots__ = ("cls",)

    cls: type

    def __new__(cls, launcher: type) -> Self:
        made = super().__new__(cls, f"{launcher.__module__}.{launcher.__qualname__}")
        made.cls = launcher
        return made


def own_class_path(value: str | type, group: str = ENTRY_POINTS) -> str | None:
    """Return `module.Class` of the launcher that `value`, a class, its path or an entry point, means; None: of ours.

    `group`: where entry points of other things than launchers are.
    """
    if isinstance(value, OwnClass):
        return value
    if isinstance(value, type):
        path = f"{value.__module__}.{value.__qualname__}"
        if value.__module__ in _NO_MODULE or "<locals>" in path:
            return OwnClass(value)
        return None if path.startswith(Named.ours) else path
    if "." in value:
        return None if value.startswith(Named.ours) else value
    for found in own_entry_points(group):
        if found.name.lower() == value.lower():
            return str(found.value.replace(":", "."))
    return None


def own_entry_points(group: str = ENTRY_POINTS) -> Any:
    """Return the entry points by which installed packages offer launchers, or what else `group` is for."""
    from importlib.metadata import entry_points  # takes 10 ms, and few have launchers of their own

    return entry_points(group=group)
