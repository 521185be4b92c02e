"""The data of a package that has come, as `importlib.resources` reads it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.resources.abc import TraversableResources
from typing import Any

from engineroom.serialize.modules.unit import Unit


class Reader(TraversableResources):
    """Reads the files of one package."""

    def __init__(self, unit: Unit, package: str) -> None:
        self._unit, self._package = unit, package

    def files(self) -> Any:
        return Place(self._unit, self._package.replace(".", "/"))


class Place:
    """A file or a directory of a unit: a Traversable."""

    def __init__(self, unit: Unit, path: str) -> None:
        self._unit, self._path = unit, path
        self.name = path.rpartition("/")[2]

    def is_file(self) -> bool:
        return self._path in self._unit.files

    def is_dir(self) -> bool:
        return any(file.startswith(f"{self._path}/") for file in self._unit.files)

    def iterdir(self) -> Iterator[Place]:
        start = f"{self._path}/"
        names = {file.removeprefix(start).partition("/")[0] for file in self._unit.files if file.startswith(start)}
        return (self / name for name in sorted(names))

    def joinpath(self, *names: str) -> Place:
        parts = [part for name in names for part in str(name).split("/") if part]
        return Place(self._unit, "/".join((self._path, *parts)))

    __truediv__ = joinpath

    def open(self, mode: str = "r", *args: Any, **options: Any) -> Any:
        file = io.BytesIO(self.read_bytes())
        return file if "b" in mode else io.TextIOWrapper(file, *args, **options)

    def read_bytes(self) -> bytes:
        """Return its content. FileNotFoundError: it did not come along, since it is too large, or there is none."""
        if self._path not in self._unit.files:
            stayed = "; it is too large to be sent to engines with its package" if self._path in self._unit.left else ""
            raise FileNotFoundError(f"the package {self._unit.root!r} has no file {self._path!r} here{stayed}")
        return self._unit.files[self._path]

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        return self.read_bytes().decode(encoding or "utf-8", errors or "strict")

    def __repr__(self) -> str:
        return f"<{self._path} of the package {self._unit.root!r}>"
