"""How much memory there is, and how much of it is left: of the machine, and within the limits of control groups."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple


class Sources(NamedTuple):
    """Where the system says it."""

    groups: Path = Path("/sys/fs/cgroup")
    """The control groups."""
    own: Path = Path("/proc/self/cgroup")
    """Which of them this process is in."""
    memory: Path = Path("/proc/meminfo")


HERE = Sources()

_UNLIMITED = 1 << 60
"""Groups of the first kind that have no limit have one beyond this."""

_SPARE = 64 << 20
"""Bytes that are left to other uses, but no more than a tenth of a control group: at its end, processes are killed."""


def total(sources: Sources = HERE) -> int:
    """Return how many bytes of memory this process may count on at most."""
    try:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
    return min([pages, *(group.limit for group in _limited(sources))])


def share(size: int, sources: Sources = HERE) -> int:
    """Return `size`, or a quarter of the memory that this process may count on, if that is less and is known."""
    return sharing(sources)(size)


def sharing(sources: Sources = HERE) -> Callable[[int], int]:
    """Return what does as `share`, for many sizes: it has looked at the memory once."""
    quarter = total(sources) // 4
    return lambda size: min(size, quarter or size)


def room(sources: Sources = HERE, *, swap: bool = False) -> int:
    """Return how many bytes could be had now, with some to spare. `swap`: what this machine can swap counts."""
    rooms = [group.limit - group.used() - min(group.limit // 10, _SPARE) for group in _limited(sources)]
    if (available := _available(sources.memory, swap=swap)) is not None:
        rooms.append(available * 9 // 10 - _SPARE)
    return max(0, min(rooms)) if rooms else 0


def suffices(size: int, sources: Sources = HERE) -> bool:
    """Return whether a process may count on `size` more bytes; True also if this system does not tell."""
    return not sources.memory.exists() or size <= room(sources, swap=True)


def _available(memory: Path, *, swap: bool) -> int | None:
    counted = {"MemAvailable", "SwapFree"} if swap else {"MemAvailable"}
    found = [line.split() for line in _read(memory).splitlines() if line.partition(":")[0] in counted]
    return sum(int(words[1]) for words in found) * 1024 if found else None


class _Group(NamedTuple):
    """A control group that has a limit."""

    place: Path
    limit: int
    usage: str

    def used(self) -> int:
        """Return how many bytes are used of it; files that can go do not count."""
        return _number(self.place / self.usage) - _inactive(self.place)


def _limited(sources: Sources) -> Iterator[_Group]:
    """Yield each control group that has a limit, of those that this process is in."""
    for line in _read(sources.own).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            names = (sources.groups, "memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            names = (sources.groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        root, most, usage = names
        place = root / path.lstrip("/")
        while place != root.parent and place.is_relative_to(root):
            limit = _read(place / most).strip()
            if limit.isdigit() and int(limit) < _UNLIMITED:
                yield _Group(place, int(limit), usage)
            place = place.parent


def _inactive(group: Path) -> int:
    for line in _read(group / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name in {"inactive_file", "total_inactive_file"}:
            return int(value)
    return 0


def _number(path: Path) -> int:
    text = _read(path).strip()
    return int(text) if text.isdigit() else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
