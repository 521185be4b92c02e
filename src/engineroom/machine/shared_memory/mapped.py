"""What this process maps of other processes' segments, and who is told when nothing looks at it any more.

A mapping is kept for a while after that: to map a segment anew costs a fault for every few pages of it. It can be used
again only if nothing was written to it, for a page that was written is this process's own and stays as it is.

A child that this process forks has what this process looks at, too, for as long as it likes: its segments are spoiled.
"""

from __future__ import annotations

import os
import sys
import time
import weakref
from collections.abc import Callable
from typing import Any

from engineroom.machine.shared_memory.kept import KeptMappings, Mapped, map_all

Gone = Callable[[bool], object]
"""Told that nothing looks at a mapping any more, and whether its segment is spoiled. It takes no lock."""


Reopen = Callable[[], int]
"""Opens a segment once more, for its caller to close. OSError: it can't be had any more."""


class Look(weakref.ref[Any]):
    """What is looked at, and who is to be told. `reopen`: None where the segment can't be opened again."""

    __slots__ = ("gone", "mapped", "reopen", "spoiled")
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    mapped: Mapped
    gone: Gone
    reopen: Reopen | None
    spoiled: bool


class Mappings:
    """All that this process maps."""

    def __init__(self) -> None:
        self._looks: dict[Look, None] = {}
        self._forking = 0
        self.kept = KeptMappings()

    def __len__(self) -> int:
        return len(self._looks) + len(self.kept)

    @property
    def looked_at(self) -> int:
        """How many are not merely kept."""
        return len(self._looks)

    def looks(self) -> list[Look]:
        """Return those that are not merely kept."""
        return list(self._looks)

    def again(self, device: int, inode: int, end: int, gone: Gone, reopen: Reopen | None = None) -> memoryview | None:
        """Return what is in a segment that is still mapped, at least up to `end`; None: it is not."""
        mapped = self.kept.take((device, inode), end)
        return None if mapped is None else self.look(mapped, gone, reopen)

    def new(self, descriptor: int, gone: Gone, reopen: Reopen | None = None) -> memoryview:
        """Return what is in the segment that is open as `descriptor`, private and writable; see `map_privately`."""
        return self.look(map_all(descriptor), gone, reopen)

    def look(self, mapped: Mapped, gone: Gone, reopen: Reopen | None = None) -> memoryview:
        """Return what is mapped, as long as it is looked at."""
        whole = mapped.whole()
        look = Look(whole, self._gone)
        look.mapped, look.gone, look.reopen, look.spoiled = mapped, gone, reopen, self._forking > 0
        self._looks[look] = None
        return memoryview(whole).cast("B")

    def is_clean(self, view: memoryview) -> bool:
        """Return whether it is certain that nothing was written to the mapping of which `view` is a part."""
        return any(look() is view.obj and look.mapped.is_clean() for look in self.looks())

    def _gone(self, reference: weakref.ref[Any]) -> None:
        assert isinstance(reference, Look)
        if self._looks.pop(reference, self) is None and not sys.is_finalizing():  # then nobody needs to know
            spoiled = reference.spoiled or self._forking > 0
            if not spoiled:
                self.kept.keep(reference.mapped, time.monotonic())
            reference.gone(spoiled)

    def before_fork(self) -> None:
        self._forking += 1
        self._spoil()

    def after_in_parent(self) -> None:
        self._spoil()  # what came meanwhile
        self._forking -= 1

    def after_in_child(self) -> None:
        self._looks.clear()
        self.kept.clear()
        self._forking = 0

    def _spoil(self) -> None:
        for reference in list(self._looks):
            reference.spoiled = True


MAPPINGS = Mappings()
"""The mappings of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=MAPPINGS.before_fork,
        after_in_parent=MAPPINGS.after_in_parent,
        after_in_child=MAPPINGS.after_in_child,
    )
