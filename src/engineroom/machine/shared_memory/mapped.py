"""What this process maps of other processes' segments, and who is told when a mapping is gone.

A child that this process forks has these mappings as well, for as long as it likes: its segments are spoiled then.
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Callable

Gone = Callable[[bool], object]
"""Told that a mapping is gone, and whether its segment is spoiled. In any thread, anywhere: it must take no lock."""


class _Mapped(weakref.ref[mmap.mmap]):
    __slots__ = ("gone", "spoiled")

    gone: Gone
    spoiled: bool


class Mappings:
    """All that this process maps."""

    def __init__(self) -> None:
        self._live: dict[_Mapped, None] = {}
        self._forking = 0

    def __len__(self) -> int:
        return len(self._live)

    def note(self, mapping: mmap.mmap, gone: Gone) -> None:
        """Have `gone(spoiled)` called when nothing looks at `mapping` any more."""
        reference = _Mapped(mapping, self._gone)
        reference.gone, reference.spoiled = gone, self._forking > 0
        self._live[reference] = None

    def _gone(self, reference: weakref.ref[mmap.mmap]) -> None:
        assert isinstance(reference, _Mapped)
        if self._live.pop(reference, self) is None:
            reference.gone(reference.spoiled or self._forking > 0)

    def before_fork(self) -> None:
        self._forking += 1
        self._spoil()

    def after_in_parent(self) -> None:
        self._spoil()  # what came meanwhile
        self._forking -= 1

    def after_in_child(self) -> None:
        self._live.clear()
        self._forking = 0

    def _spoil(self) -> None:
        for reference in list(self._live):
            reference.spoiled = True


MAPPINGS = Mappings()
"""The mappings of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=MAPPINGS.before_fork,
        after_in_parent=MAPPINGS.after_in_parent,
        after_in_child=MAPPINGS.after_in_child,
    )
