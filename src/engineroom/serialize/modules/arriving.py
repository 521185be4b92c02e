"""Modules of the user's that have come to this engine: which of them `import` finds, and what they replace.

A payload names what it stands on before anything in it is unpacked. A module that has been edited is another one: it
takes the place of the former in `sys.modules`, and gives it back to payloads that still name that.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from types import ModuleType
from typing import NoReturn

from engineroom.serialize.functions.interactive import home
from engineroom.serialize.functions.large_parts import Part
from engineroom.serialize.modules.adoption import is_same
from engineroom.serialize.modules.finding import Finder
from engineroom.serialize.modules.own import file_of, is_installed, own
from engineroom.serialize.modules.prelude import cut
from engineroom.serialize.modules.unit import Unit, unpacked

_MOST = 64
"""Modules and packages that are kept, in all their editions."""

MODULE = "module "
"""What the name of a shadowed thing begins with if it is a module."""


class Arrived:
    """An edition of a module or package. `together`: the hashes of all that came with it, as one string.

    `modules`: what was loaded of it, while another edition is in its place. `is_ours`: the engine's own is the same.
    """

    __slots__ = ("is_ours", "modules", "together", "unit")

    def __init__(self, content: bytes, together: bytes) -> None:
        self.together = together
        self.unit: Unit = unpacked(content)
        self.modules: dict[str, ModuleType] = {}
        self.is_ours = False


class Arrivals:
    """`current`: the edition that `import` finds, by the name of the module or package."""

    def __init__(self) -> None:
        self.current: dict[str, Arrived] = {}
        self._known: OrderedDict[bytes, Arrived] = OrderedDict()
        self._told: set[str] = set()
        self._finder = Finder(self._found)
        self._lock = threading.RLock()

    def put_in_place(self, hashes: bytes) -> None:
        """Have `import` find the modules with these hashes. ImportError: one has the name of a library's."""
        if hashes == home.in_place:
            return
        with self._lock:
            home.in_place = b""
            for digest in cut(hashes):
                arrived = self._get(digest, hashes)
                if arrived is not None and self.current.get(arrived.unit.root) is not arrived:
                    self._replace(arrived)
            home.in_place = hashes

    def came_with(self, root: str) -> bytes | None:
        """Return the hashes of what came together with a module, None if it came from nowhere."""
        arrived = self.current.get(root)
        return None if arrived is None else arrived.together

    def _found(self, root: str) -> Unit | None:
        arrived = self.current.get(root)
        return None if arrived is None or arrived.is_ours else arrived.unit

    def _get(self, digest: bytes, together: bytes) -> Arrived | None:
        known = self._known.get(digest)
        if known is None:
            content = home.content(digest)
            if content is None:
                return None  # it did not come along: whatever is found under its name
            known = self._known[digest] = Arrived(content, together)
            known.is_ours = digest in own.shipped  # it comes from this process itself
            own.shipped[digest] = Part(memoryview(content))
            if len(self._known) > _MOST:
                self._forget()
        self._known.move_to_end(digest)
        return known

    def _forget(self) -> None:
        oldest = next(key for key, each in self._known.items() if self.current.get(each.unit.root) is not each)
        del self._known[oldest]
        own.shipped.pop(oldest, None)

    def _replace(self, arrived: Arrived) -> None:
        root, unit = arrived.unit.root, arrived.unit
        there = {name: module for name, module in list(sys.modules.items()) if name.partition(".")[0] == root}
        before = self.current.get(root)
        arrived.is_ours = arrived.is_ours or (before is None and bool(there) and is_same(unit, there))
        if arrived.is_ours and (before is None or before.is_ours):
            self.current[root] = arrived
            return
        if before is not None:
            before.modules = there
        elif there:
            self._tell(unit, there)
        for name in there:
            sys.modules.pop(name, None)
        sys.modules.update(arrived.modules)
        self.current[root] = arrived
        self._finder.install()

    def _tell(self, unit: Unit, there: dict[str, ModuleType]) -> None:
        """Say that the engine's own module is another; ImportError: it is one of a library, which others rely on."""
        file = next(filter(None, map(file_of, there.values())), "")
        if not file or is_installed(file):
            _refuse(unit, file)
        if unit.root not in self._told:
            self._told.add(unit.root)
            home.shadowed.append((f"{MODULE}{unit.root}", file, unit.places[0]))


def _refuse(unit: Unit, file: str) -> NoReturn:
    theirs = f"the library {file}" if file else "Python itself"
    raise ImportError(
        f"your module {unit.root!r} (in {unit.places[0]}) has the name of one that this engine has loaded from "
        f"{theirs}, and differs from it. Rename your module; or, if it is a newer version of that library, install it "
        "on the engines' machines and restart the engines",
        name=unit.root,
    )


arrivals = Arrivals()
"""Those of this process."""


def arrive(hashes: bytes) -> None:
    """Before something is unpacked that stands on these modules: have `import` find them, if this is an engine."""
    if home.namespace is not None:
        arrivals.put_in_place(hashes)
