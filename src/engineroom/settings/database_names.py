"""The option that says which database a controller uses: one of ours, or a store of the user's own."""

from __future__ import annotations

from typing import Any

from traitlets import TraitError

from engineroom.settings.named import Named
from engineroom.settings.own_classes import OwnClass, own_class_path, own_entry_points

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
        words = (
            f"Where to keep tasks: {', '.join(CHOICES)}. Or an entry point in the group {ENTRY_POINTS}, or a class of "
            "your own as module.Class."
        )
        super().__init__("DictDB", what="database", choices=CHOICES, words=words)

    def validate(self, obj: Any, value: Any) -> str:
        if isinstance(value, str) and "." not in value and value.lower() in self.by_name:
            return super().validate(obj, value)
        path = own_class_path(value, ENTRY_POINTS) if isinstance(value, str | type) else None
        if isinstance(path, OwnClass):
            raise TraitError(
                f"{self.name}: the controller can't import {path}. Put the class into a module, and name it as "
                "'module.Class'"
            )
        return path or super().validate(obj, value)

    def default_value_repr(self) -> str:
        return repr(self.default_value)

    def there_is(self) -> str:
        offered = [found.name for found in own_entry_points(ENTRY_POINTS) if found.name not in self.choices]
        return f"the choices are {', '.join([*self.choices, *offered])}, or a class of your own as module.Class"
