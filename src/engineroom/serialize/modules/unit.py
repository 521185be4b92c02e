"""What is shipped at a time: a module, or a whole package with its data, as files by their names."""

from __future__ import annotations

import os
import pickle
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from engineroom.errors import PackError
from engineroom.protocol.content_hashes import content_hash

MOST_SOURCE = 16 << 20
MOST_DATA, LARGEST_DATA = 8 << 20, 1 << 20
"""Bytes of a package's other files; larger ones, and those that there is no more room for, stay here."""
_MOST_FILES = 10_000
COMPILED = (".so", ".pyd", ".dll", ".dylib")
_IMPORTS = re.compile(
    rb"^[ \t]*(?:from[ \t]+(\w+)[\w.]*[ \t]+import\b|import[ \t]+([\w. \t,]+))"
    rb"|import_module\([ \t]*[\"'](\w+)",
    re.MULTILINE,
)


class Unit(NamedTuple):
    """`root`: the name of the module or package. `places`: where it was, to which names of files are relative.

    `files`: content by name, as in `pkg/inner/mod.py`; `left`: names of files that stayed behind.
    """

    root: str
    places: tuple[str, ...]
    files: Mapping[str, bytes]
    left: tuple[str, ...] = ()

    def packed(self, needs: bytes) -> bytes:
        """Return its bytes; `needs`: stands for the content of what it imports, and makes it another one."""
        files = {name: zlib.compress(content, 1) for name, content in sorted(self.files.items())}
        return pickle.dumps((self.root, self.places, files, self.left, needs), 5)

    def digest(self) -> bytes:
        """Return a hash of what it is, without what it imports."""
        pieces = [*map(str.encode, (self.root, *self.places, *self.left))]
        for name, content in sorted(self.files.items()):
            pieces += [name.encode(), len(content).to_bytes(8, "big"), content]
        return content_hash(pieces, None)

    def imports(self) -> set[str]:
        """Return the first parts of the names that its source imports, and some that only look so."""
        found: set[str] = set()
        for name, content in self.files.items():
            if name.endswith(".py"):
                for one, several, dynamic in _IMPORTS.findall(content):
                    names = [one, dynamic] if not several else re.findall(rb"(?:^|,)[ \t]*(\w+)", several)
                    found.update(each.decode(errors="replace") for each in names if each)
        return found - {self.root}


class Compressed(Mapping[str, bytes]):
    """Files by name, each made of its compressed bytes when it is read: of most packages an engine imports little."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def __getitem__(self, name: str) -> bytes:
        return zlib.decompress(self._files[name])

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def unpacked(content: bytes | memoryview) -> Unit:
    root, places, files, left, _ = pickle.loads(content)
    return Unit(root, places, Compressed(files), left)


def read_module(root: str, file: str) -> Unit:
    """Return a module of one file."""
    return Unit(root, (os.path.dirname(file),), {f"{root}.py": _content(file, root)})


def read_package(root: str, directories: Iterable[str]) -> Unit:
    """Return a package; PackError: it is larger than what is shipped."""
    files: dict[str, bytes] = {}
    left: list[str] = []
    places: list[str] = []
    source = data = seen = 0
    for directory in map(os.path.abspath, directories):
        places.append(os.path.dirname(directory))
        for name, path in _walk(root, directory):
            seen += 1
            size = os.path.getsize(path)
            if name.endswith(".py"):
                source += size
            elif name.endswith(COMPILED) or size > LARGEST_DATA or data + size > MOST_DATA:
                left.append(name)
                continue
            else:
                data += size
            if source > MOST_SOURCE or seen > _MOST_FILES:
                raise PackError(
                    f"your package {root!r} ({directory}) has more than {MOST_SOURCE >> 20} MiB of source, or more "
                    f"than {_MOST_FILES:,} files, so it is not sent to engines. Install it on the engines' machines"
                )
            files.setdefault(name, _content(path, root))
    return Unit(root, tuple(dict.fromkeys(places)), files, tuple(left))


def _walk(root: str, directory: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the path of each file that may be part of a package."""
    for here, inner, files in os.walk(directory):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name != "__pycache__")
        for file in sorted(files):
            if not file.startswith(".") and not file.endswith((".pyc", ".pyo")):
                path = os.path.join(here, file)
                if os.path.isfile(path):
                    yield os.path.join(root, os.path.relpath(path, directory)).replace(os.sep, "/"), path


def _content(path: str, root: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise PackError(
            f"your module {root!r} cannot be sent to an engine: {path}: {error.strerror}. Make the file readable, or "
            "import the module anew"
        ) from error
