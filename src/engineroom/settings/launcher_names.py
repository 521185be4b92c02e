"""Options whose value says what starts things: a name of ours, somebody's entry point, or a class of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engineroom.settings.launcher_kinds import KINDS
from engineroom.settings.named import Named
from engineroom.settings.option import option
from engineroom.settings.own_classes import ENTRY_POINTS

ENGINES = "engines"


class LauncherName(Named):
    """The short name of one of our launchers, or `module.Class` of another one."""

    def __init__(self, *, role: str, suffixes: Sequence[str]) -> None:
        """`role`: what is started. `suffixes`: what the names of classes end in."""
        choices = {
            name: (*(f"{each}{suffix}" for each in (name, *kind.also) for suffix in suffixes), *kind.also)
            for name, kind in KINDS.items()
        }
        self.role, self.suffixes = role, suffixes
        super().__init__(
            "Local",
            what=f"launcher of {role}",
            choices=choices,
            group=ENTRY_POINTS,
            words=f"How to start {role}",
        )

    def name_for(self, obj: Any) -> str:
        """Return the name that `obj` has the option set to, whatever its attribute gives."""
        name = super().get(obj, type(obj))
        assert name is not None  # it has a default
        return name

    def as_class(self) -> LauncherName:
        """Return the same option for an object whose attribute is the class, whatever it was set to."""
        return option(
            _LauncherClass(role=self.role, suffixes=self.suffixes), *self.metadata["flags"], old=self.metadata["old"]
        )


class _LauncherClass(LauncherName):
    """The option of an object: it is set to a name or a class, and is the class."""

    def get(self, obj: Any, cls: type[Any] | None = None) -> Any:
        from engineroom.settings.launcher_classes import launcher_class  # many classes, and few ask

        places = getattr(obj, "launcher_places", None)
        if places is None:
            return self.name_for(obj)  # it is being made
        return launcher_class(self.name_for(obj), controller=self.role != ENGINES, places=places)
