"""Versions of Python and of packages: those of the client beside those of the engines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engineroom.client.engines.targets import spell
from engineroom.machine.columns import in_columns

USUAL = ("engineroom", "cloudpickle", "numpy", "pandas")
"""Packages that decide whether values can be unpacked."""

PYTHON = "python"
_PYTHON = ".".join(map(str, sys.version_info[:3]))
CLIENT = "client"


class Versions(Mapping[str, dict[Any, str | None]]):
    """By package, its version by place: "client", and each engine's id; None: it is not installed there.

    Shown as a table, what differs first. `differences`: the packages that differ.
    """

    def __init__(self, found: Mapping[str, Mapping[Any, str | None]]) -> None:
        ordered = sorted(found, key=lambda name: (not _differs(found[name]), name != PYTHON, name.lower()))
        self._found = {name: dict(found[name]) for name in ordered}

    @property
    def differences(self) -> list[str]:
        """The packages, and Python, of which an engine has another version than the client."""
        return [name for name, versions in self._found.items() if _differs(versions)]

    def __getitem__(self, name: str) -> dict[Any, str | None]:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        rows = [("", CLIENT, "engines"), *map(self._row, self._found)]
        differing = len(self.differences)
        end = f"{differing} of {len(self)} differ" if differing else f"all {len(self)} are the same"
        return "\n".join([*in_columns(rows), end])

    def _row(self, name: str) -> tuple[str, str, str]:
        versions = self._found[name]
        by_version: dict[str | None, list[int]] = {}
        for place, version in versions.items():
            if place != CLIENT:
                by_version.setdefault(version, []).append(place)
        mark = "* " if _differs(versions) else "  "
        if len(by_version) == 1:
            return mark + name, _text(versions[CLIENT]), _text(*by_version)
        engines = "; ".join(f"{_text(version)} on {spell(tuple(ids))}" for version, ids in by_version.items())
        return mark + name, _text(versions[CLIENT]), engines


def _differs(versions: Mapping[Any, str | None]) -> bool:
    return len(set(versions.values())) > 1


def _text(version: str | None) -> str:
    return "not installed" if version is None else version


def versions_here(names: Iterable[str]) -> dict[str, str | None]:
    """Return the versions here of Python and of packages, by the names that they are installed or imported by."""
    return {PYTHON: _PYTHON, **{name: version_of(name) for name in names if name != PYTHON}}


def version_of(name: str) -> str | None:
    """Return the version of a package, None if it is not here."""
    from importlib import metadata  # seldom needed, and it takes a while

    try:
        return metadata.version(name)
    except (metadata.PackageNotFoundError, ValueError):
        return _version_of_module(name)


def _version_of_module(name: str) -> str | None:
    """Return the version of a package that is installed under another name, or not at all, but can be imported."""
    module = sys.modules.get(name)
    version = _said_by(module)
    if version is not None:
        return version
    from importlib import metadata  # as above

    for distribution in metadata.packages_distributions().get(name, ()):
        return metadata.version(distribution)
    return None


def _said_by(module: object) -> str | None:
    """Return the version that a module has as a plain attribute; to compute one on request may warn, or take long."""
    version = getattr(module, "__dict__", {}).get("__version__")
    return version if isinstance(version, str) else None


def imported_packages() -> list[str]:
    """Return the installed packages that this process has imported, by the names that they are imported by."""
    roots = {name.partition(".")[0] for name in list(sys.modules)} - sys.stdlib_module_names
    found = []
    for root in sorted(root for root in roots if not root.startswith("_")):
        module = sys.modules.get(root)
        if _said_by(module) is not None or root in USUAL:
            found.append(root)
    return found
