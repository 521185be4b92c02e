"""How much memory there is, and how much of it is left: of the machine, and within the limits of control groups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_ROOT, _OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def total() -> int:
    """Return how many bytes of memory this process may count on at most."""
    try:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
    return min([pages, *(limit for limit, _ in _limits())])


def room() -> int:
    """Return how many bytes could be had now, with a tenth of what is left to spare."""
    left = [limit - used for limit, used in _limits()]
    if (available := _available()) is not None:
        left.append(available)
    return max(0, min(left)) * 9 // 10 if left else 0


def _available() -> int | None:
    for line in _read(Path("/proc/meminfo")).splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return None


def _limits() -> Iterator[tuple[int, int]]:
    """Yield the limit of each control group that has one, and what is used of it; files that can go do not count."""
    for line in _read(_OWN).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            names = (_ROOT, "memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            names = (_ROOT / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        root, most, used = names
        place = root / path.lstrip("/")
        while place != root.parent and place.is_relative_to(root):
            limit = _read(place / most).strip()
            if limit.isdigit():
                yield int(limit), _number(place / used) - _inactive(place)
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
