"""The user's own modules go along with what names them: each pickle says first which modules, by hash, it stands on.

The modules themselves are parts of the function that is called, which travel once (see `large_parts`).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import ModuleType

from engineroom.protocol.content_hashes import content_hash
from engineroom.serialize.functions.large_parts import Part
from engineroom.serialize.modules import arriving
from engineroom.serialize.modules.loads import AsTheyAre, as_loaded_by, spec_of
from engineroom.serialize.modules.own import file_of, own
from engineroom.serialize.modules.prelude import cut, with_prelude
from engineroom.serialize.modules.search import Search
from engineroom.serialize.modules.unit import Unit, read_module, read_package

_ABSENT = object()
_MOST = 256
"""Editions that are kept, beside the latest ones."""

Watched = tuple[Callable[[str, object], object], str, object]


class Room:
    """A module or package that is shipped. `imports`: the others that it imports."""

    def __init__(self, unit: Unit, loaded: dict[str, ModuleType]) -> None:
        self.unit = unit
        self.specs = {name: getattr(module, "__spec__", None) for name, module in loaded.items()}
        self.own_hash = unit.digest()
        self.imports = sorted(unit.imports())

    def holds(self, loaded: dict[str, ModuleType]) -> bool:
        """Whether no module of it was loaded, or loaded again, since it was read."""
        return len(self.specs) == len(loaded) and as_loaded_by(self.specs)


class Shipping:
    """What this process ships."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}
        self._closures: dict[str, tuple[tuple[Room, ...], Part]] = {}
        self._search = Search()
        self._lock = threading.RLock()  # a signal handler may submit while its thread is in here

    def complete(self, pickle: bytes) -> bytes:
        """Return `pickle` so that it says which of the user's modules it names. PackError: one can't be shipped."""
        names = own.named_in(pickle)
        return self._with(pickle, names) if names else pickle

    def _with(self, pickle: bytes, names: set[str]) -> bytes:
        with self._lock:
            hashes = dict.fromkeys(digest for name in sorted(names) for digest in self._hashes(name))
        return with_prelude(pickle, hashes)

    def _hashes(self, root: str) -> list[bytes]:
        """Return the hashes of a module and of all that it imports, those of the imported ones first."""
        together = arriving.arrivals.came_with(root)
        if together is not None:
            return list(cut(together))
        reach = self._reach(root)
        return [self._part(other).hash for other in (*reach[1:], root)]

    def _reach(self, root: str) -> list[str]:
        found = [root]
        self._search.begin()
        for name in found:
            room = self._room(name)
            found += [other for other in room.imports if other not in found and self._exists(other)]
        return found

    def _room(self, root: str) -> Room:
        loaded = own.loaded.get(root, {})
        known = self._rooms.get(root)
        if known is None or not known.holds(loaded):
            self._rooms[root] = known = Room(self._read(root, loaded, known), loaded)
        return known

    def _read(self, root: str, loaded: dict[str, ModuleType], before: Room | None) -> Unit:
        """Return what is to be shipped; of modules that are loaded as they were `before`, what was shipped then."""
        place = self._search.place(root) if root not in loaded else loaded[root]
        paths = getattr(place, "__path__", None) or getattr(place, "submodule_search_locations", None)
        if paths is None:
            file = file_of(place) or getattr(place, "origin", "")
            unit = read_module(root, file)
        else:
            unit = read_package(root, paths)
        if before is not None:
            for name, spec in before.specs.items():
                if spec_of(name, _ABSENT) is spec:
                    keep = {file: before.unit.files[file] for file in _files(name) if file in before.unit.files}
                    unit = unit._replace(files={**unit.files, **keep})
        return unit

    def _exists(self, root: str) -> bool:
        if root in own.loaded:
            return True
        return root not in sys.modules and self._search.place(root) is not None

    def _part(self, root: str) -> Part:
        rooms = tuple(self._room(name) for name in self._reach(root))
        known = self._closures.get(root)
        if known is None or known[0] != rooms:
            needs = content_hash(sorted(room.own_hash for room in rooms), None)
            part = Part(memoryview(rooms[0].unit.packed(needs)))
            own.shipped[part.hash] = part
            self._closures[root] = known = rooms, part
            if len(own.shipped) > _MOST:
                self._forget()
        return known[1]

    def latest(self) -> list[Part]:
        """Return the latest editions of all that has been shipped; in an engine, of all that has come."""
        with self._lock:
            return [part for _, part in self._closures.values()] or list(own.shipped.values())

    def _forget(self) -> None:
        needed = {part.hash for _, part in self._closures.values()}
        for digest in [digest for digest in own.shipped if digest not in needed]:
            del own.shipped[digest]

    def watched(self, pickle: bytes) -> list[Watched]:
        """Return what is to be looked up, and found the same, for `pickle` to stand for the modules as they are."""
        roots = {name for root in own.named_in(pickle) for name in self._reach(root)} if own.any() else set()
        specs = {name: spec for root in roots for name, spec in self._room(root).specs.items()}
        as_they_are = AsTheyAre(specs)
        return [(as_they_are.now, "", as_they_are.specs)]


def _files(name: str) -> tuple[str, str]:
    path = name.replace(".", "/")
    return f"{path}.py", f"{path}/__init__.py"


shipping = Shipping()
