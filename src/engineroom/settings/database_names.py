"""The option that says which database a controller uses: one of ours, or a store of the user's own."""

from __future__ import annotations

from typing import Any

from traitlets import TraitError

from engineroom.settings.named import Named
from engineroom.settings.own_classes import OwnClass

ENTRY_POINTS = "engineroom.stores"
"""The group of entry points by which installed packages offer stores of their own: NAME = "module:Class"."""

CHOICES = {
    "DictDB": ("memory", "MemoryStore"),
    "SQLiteDB": ("sqlite", "SQLiteStore"),
    "MongoDB": ("mongo", "MongoStore"),
    "NoDB": ("none", "NoStore"),
}
"""By name, what else each is called."""


class DatabaseName(Named):
    """The name of one of our databases, or `module.Class` of a store of the user's own."""

    def __init__(self) -> None:
        super().__init__("DictDB", what="database", choices=CHOICES, group=ENTRY_POINTS, words="Where to keep tasks")

    def validate(self, obj: Any, value: Any) -> str:
        path = super().validate(obj, value)
        if isinstance(path, OwnClass):
            raise TraitError(
                f"{self.name}: the controller can't import {path}. Put the class into a module, and name it as "
                "'module.Class'"
            )
        return path
