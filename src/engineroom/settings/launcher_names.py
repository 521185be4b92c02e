"""Options whose value says what starts things: a name of ours, somebody's entry point, or a class of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from traitlets import TraitError

from engineroom.settings.named import Named

_ALSO = {"MPI": ("MPIExec",), "WindowsHPC": ("WinHPC",), "Batch": ("BatchSystem",), "Slurm": ("SLURM",)}
NAMES = (*("Local", "SSH", "MPI", "PBS", "SGE", "Slurm", "LSF", "HTCondor", "WindowsHPC", "SSHProxy", "Batch"),)

ENTRY_POINTS = "engineroom.launchers"
"""The group of entry points by which installed packages offer launchers of their own: NAME = "module:Class"."""

_NO_MODULE = ("__main__", "builtins")
"""Where classes say they are from that were written in a notebook, a script, or a file of options."""


class LauncherName(Named):
    """The short name of one of our launchers, or `module.Class` of another one."""

    def __init__(self, *, role: str, suffixes: Sequence[str]) -> None:
        """`role`: what is started. `suffixes`: what the names of classes end in."""
        choices = {
            name: tuple(f"{each}{suffix}" for each in (name, *_ALSO.get(name, ())) for suffix in suffixes)
            + _ALSO.get(name, ())
            for name in NAMES
        }
        words = (
            f"How to start {role}: {', '.join(NAMES)}. Or an entry point in the group {ENTRY_POINTS}, or a class of "
            "your own as module.Class."
        )
        super().__init__("Local", what=f"launcher of {role}", choices=choices, words=words)

    def validate(self, obj: Any, value: Any) -> str:
        if isinstance(value, str) and "." not in value and value.lower() in self.by_name:
            return super().validate(obj, value)
        return own_class_path(value) or super().validate(obj, value)

    def there_is(self) -> str:
        offered = [found.name for found in _entry_points() if found.name not in self.choices]
        return f"there is {', '.join([*self.choices, *offered])}, or a class of your own as module.Class"


def own_class_path(value: str | type) -> str | None:
    """Return `module.Class` of the launcher that `value`, a class, its path or an entry point, means; None: of ours."""
    if isinstance(value, type):
        if value.__module__ in _NO_MODULE:
            raise TraitError(
                f"the launcher {value.__qualname__} can't be used from where it is written: the process that starts "
                "things with it must import it. Put it into a module of its own, in the working directory, beside the "
                f"profile's files, or installed, and say module.{value.__qualname__}"
            )
        path = f"{value.__module__}.{value.__qualname__}"
        return None if path.startswith(Named.ours) else path
    if "." in value:
        return None if value.startswith(Named.ours) else value
    for found in _entry_points():
        if found.name.lower() == value.lower():
            return str(found.value.replace(":", "."))
    return None


def _entry_points() -> Any:
    from importlib.metadata import entry_points  # takes 10 ms, and few have launchers of their own

    return entry_points(group=ENTRY_POINTS)
