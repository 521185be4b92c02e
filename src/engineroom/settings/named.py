"""Options whose value is the name of something: of a launcher, of a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from traitlets import TraitError, TraitType

from engineroom.settings.option import nearest

_OURS = ("IPython.parallel.", "ipyparallel.", "engineroom.")


class Named(TraitType[str, Any]):
    """One of a few things, by any name it has had: its own, that of its class, or the class with its module.

    Names count in any case. The value is the thing's own name.
    """

    ours = _OURS

    def __init__(self, default: str, *, what: str, choices: Mapping[str, Sequence[str]], words: str) -> None:
        """`choices`: by own name, the names of classes. `words`: the help."""
        super().__init__(default, help=words)
        self.what, self.choices = what, tuple(choices)
        self.by_name = {each.lower(): name for name, classes in choices.items() for each in (name, *classes)}
        self.info_text = f"the name of a {what}: {' or '.join(choices)}"

    def validate(self, obj: Any, value: Any) -> str:
        del obj
        full = f"{value.__module__}.{value.__qualname__}" if isinstance(value, type) else str(value)
        module, _, name = full.rpartition(".")
        known = not module or f"{module}.".startswith(_OURS)
        if known and name.lower() in self.by_name:
            return self.by_name[name.lower()]
        meant = nearest(name, self.by_name)
        raise TraitError(f"{self.name}: the {self.what} {full!r} does not exist; {self.there_is()}{meant}")

    def there_is(self) -> str:
        """Return, in words, what there is to choose from."""
        return f"the choices are {', '.join(self.choices)}"
