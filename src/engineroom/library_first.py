"""What engineroom imports, and what that imports, comes from the libraries, whatever files the user's directory has.

Python looks for modules in the script's directory, or the one where it was started, first: whoever imports `queue`, be
it `asyncio`, finds a `queue.py` there. For imports that a library makes on behalf of engineroom, the libraries are
searched first. What users' own code imports is found as always.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib_external import PathFinder  # `importlib` itself imports what may be a file of the user's

TYPE_CHECKING = False  # not from typing: nothing may be imported yet that a file of the user's could stand for
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import FrameType

_STANDARD = os.path.dirname(os.__file__)
_ABOVE_US = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_INSTALLED = ("site-packages", "dist-packages")
_MACHINERY = frozenset(
    {"importlib", "importlib._bootstrap", "importlib._bootstrap_external"}
    | {"_frozen_importlib", "_frozen_importlib_external"}  # the same, as long as nobody has imported `importlib`
)


class LibraryFirst:
    """A finder of modules, in front of the one that goes through `sys.path`."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return what a library means by `name`, None: whatever is found first is right.

        ModuleNotFoundError: the standard library's module of that name is not for this platform.
        """
        del target
        if path is not None or all(map(_is_library, sys.path)) or not _for_us(sys._getframe(1)):
            return None
        found = PathFinder.find_spec(name, list(filter(_is_library, sys.path)))
        if name in sys.stdlib_module_names:
            if found is None:  # as `msvcrt` elsewhere than on Windows: what asks for it can do without
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            return found
        if found is None or found.loader is None:
            return None
        # A package in the user's directory is one that she works on; a single file is there by accident.
        first = PathFinder.find_spec(name, sys.path)
        return None if first is not None and first.submodule_search_locations is not None else found


def install() -> None:
    """Begin; a second call changes nothing."""
    if LibraryFirst not in sys.meta_path:
        places = [number for number, finder in enumerate(sys.meta_path) if finder is PathFinder]
        sys.meta_path.insert(places[0] if places else len(sys.meta_path), LibraryFirst)


def _is_library(entry: str) -> bool:
    return entry.startswith(_STANDARD) or entry.endswith((*_INSTALLED, ".zip")) or entry == _ABOVE_US


def _for_us(frame: FrameType | None) -> bool:
    """Whether the import that `frame` is part of is made by a library, called by engineroom or a part of it."""
    while frame is not None and frame.f_globals.get("__name__") in _MACHINERY:
        frame = frame.f_back
    if frame is None or not _of_library(frame):
        return False
    while frame is not None and not _ours(frame):
        frame = frame.f_back
    return frame is not None


def _of_library(frame: FrameType) -> bool:
    file = frame.f_globals.get("__file__")
    if not isinstance(file, str):
        return False
    return _ours(frame) or file.startswith(_STANDARD) or any(f"{os.sep}{part}{os.sep}" in file for part in _INSTALLED)


def _ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == "engineroom"
