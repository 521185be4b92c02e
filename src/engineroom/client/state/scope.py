"""The calls of one thread that an interrupt has to withdraw."""

from __future__ import annotations

from threading import get_ident


class Scope:
    """The owners of the calls that one thread submits while it lasts.

    An interrupt (Ctrl-C) may come before anybody has a handle of them; `owners` are those to withdraw then.
    """

    __slots__ = ("_thread", "owners")

    def __init__(self) -> None:
        self.owners: list[object] = []
        self._thread = get_ident()

    def note(self, owner: object) -> None:
        """Take in the owner of tasks that are about to be submitted, if it belongs to this thread."""
        if get_ident() == self._thread and (not self.owners or self.owners[-1] is not owner):
            self.owners.append(owner)

    def has_noted(self, owner: object) -> bool:
        """Whether these tasks are withdrawn, or not, by whoever looks at `owners`."""
        return get_ident() == self._thread and bool(self.owners) and self.owners[-1] is owner
