"""Options whose value says what starts things: a name of ours, somebody's entry point, or a class of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engineroom.settings.named import Named

_ALSO = {"MPI": ("MPIExec",), "WindowsHPC": ("WinHPC",), "Batch": ("BatchSystem",), "Slurm": ("SLURM",)}
_NAMES = (*("Local", "SSH", "MPI", "PBS", "SGE", "Slurm", "LSF", "HTCondor", "WindowsHPC", "SSHProxy", "Batch"),)

ENTRY_POINTS = "engineroom.launchers"
"""The group of entry points by which installed packages offer launchers of their own: NAME = "module:Class"."""


class LauncherName(Named):
    """The short name of one of our launchers, or `module.Class` of another one."""

    def __init__(self, *, role: str, suffixes: Sequence[str]) -> None:
        """`role`: what is started. `suffixes`: what the names of classes end in."""
        choices = {
            name: tuple(f"{each}{suffix}" for each in (name, *_ALSO.get(name, ())) for suffix in suffixes)
            + _ALSO.get(name, ())
            for name in _NAMES
        }
        words = (
            f"What starts {role}: {', '.join(_NAMES)}; the name of an entry point in the group {ENTRY_POINTS}; or a "
            "class of your own, as module.Class."
        )
        super().__init__("Local", what=f"launcher of {role}", choices=choices, words=words)

    def validate(self, obj: Any, value: Any) -> str:
        if isinstance(value, type) and not value.__module__.startswith("engineroom."):
            return f"{value.__module__}.{value.__qualname__}"
        if isinstance(value, str) and "." in value and not f"{value}.".startswith(self.ours):
            return value
        if isinstance(value, str) and "." not in value and value.lower() not in self.by_name:
            from importlib.metadata import entry_points  # takes 10 ms, and few have launchers of their own

            for found in entry_points(group=ENTRY_POINTS):
                if found.name.lower() == value.lower():
                    return found.value.replace(":", ".")
        return super().validate(obj, value)
