"""IPython's own names (`In`, `exit`, `_`, `_1` ...): in the namespace only while a cell runs.

At other times functions run, and a script may have captured a variable of such a name for them.
"""

from __future__ import annotations

import builtins
from typing import Any

_RESULTS = ("_", "__", "___")
"""The last results, empty strings at first: IPython does not list them as its own before it has shown one."""

_FOR_FUNCTIONS = ("get_ipython", "exit", "quit", "In", "Out")
"""What functions may call as well, if nobody has anything else under the name."""


class OwnNames:
    """What IPython has put into `names`, according to its own list `hidden` (name and value)."""

    def __init__(self, names: dict[str, Any], hidden: dict[str, Any]) -> None:
        self._names, self._hidden = names, hidden
        hidden.update((name, "") for name in _RESULTS if names.get(name) == "")
        self._lent: list[str] = []

    def put_aside(self) -> None:
        """After a cell: take IPython's names out of the namespace, but for those that have other values now."""
        names = self._names
        for name in [name for name, value in self._hidden.items() if names.get(name, self) is value]:
            del names[name]
        shared = vars(builtins)
        self._lent = [name for name in _FOR_FUNCTIONS if name in self._hidden and name not in shared]
        shared.update((name, self._hidden[name]) for name in self._lent)

    def bring_back(self) -> None:
        """Before a cell: IPython's names are in the namespace again, unless somebody uses them otherwise."""
        for name in self._lent:
            vars(builtins).pop(name, None)
        self._lent = []
        self._names.update((name, value) for name, value in self._hidden.items() if name not in self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._hidden

    def __getitem__(self, name: str) -> Any:
        return self._hidden[name]
