"""Options whose value is the name of something, a launcher or a database: of ours, or of the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from traitlets import TraitError, TraitType

from engineroom.settings.option import nearest
from engineroom.settings.own_classes import OURS, own_class_path, own_entry_points


class Named(TraitType[str, Any]):
    """One of a few things, by any name it has had: its own, that of its class, or the class with its module.

    Names count in any case. The value is the thing's own name, or `module.Class` of one that is not ours.
    """

    def __init__(
        self, default: str, *, what: str, choices: Mapping[str, Sequence[str]], group: str, words: str
    ) -> None:
        """`choices`: by own name, the names of classes. `group`: of entry points to others. `words`: begin the help."""
        offered = f"{', '.join(choices)}. Or an entry point in the group {group}"
        super().__init__(default, help=f"{words}: {offered}, or a class of your own as module.Class.")
        self.what, self.choices, self.group = what, tuple(choices), group
        self.by_name = {each.lower(): name for name, classes in choices.items() for each in (name, *classes)}
        self.info_text = f"the name of a {what}: {' or '.join(choices)}"

    def validate(self, obj: Any, value: Any) -> str:
        del obj
        full = f"{value.__module__}.{value.__qualname__}" if isinstance(value, type) else str(value)
        module, _, name = full.rpartition(".")
        if f"{module}.".startswith((".", *OURS)) and name.lower() in self.by_name:
            return self.by_name[name.lower()]
        own = own_class_path(value, self.group) if isinstance(value, str | type) else None
        if own is not None:
            return own
        offered = [found.name for found in own_entry_points(self.group) if found.name not in self.choices]
        raise TraitError(
            f"{self.name}: the {self.what} {full!r} does not exist; the choices are "
            f"{', '.join([*self.choices, *offered])}, or a class of your own as module.Class"
            f"{nearest(name, self.by_name)}"
        )
