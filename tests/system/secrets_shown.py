"""Where keys must not be: command lines, environments, logs, scripts, whatever a start leaves."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path


def keys_of(*security: Path) -> set[bytes]:
    """Return the keys in the connection files of these directories."""
    files = [path for directory in security for path in directory.glob("ipcontroller*.json")]
    keys = {json.loads(path.read_text())["exec_key"].encode() for path in files}
    assert len(keys) >= 2
    return keys


def shown_by_processes(keys: Iterable[bytes]) -> Iterator[str]:
    """Yield where a process of this machine shows one of `keys`, as far as we may look."""
    keys = tuple(keys)
    for name in ("cmdline", "environ"):
        for path in Path("/proc").glob(f"[0-9]*/{name}"):
            try:
                text = path.read_bytes()
            except OSError:
                continue  # it has just ended, or is somebody else's
            if any(key in text for key in keys):
                yield str(path)


def shown_by_files(keys: Iterable[bytes], *places: Path) -> Iterator[Path]:
    """Yield the files below `places` that hold one of `keys`, but for those that are meant to, and only their owner
    can read."""
    keys = tuple(keys)
    for place in places:
        for path in place.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # taken away meanwhile
                if path.is_file() and any(key in path.read_bytes() for key in keys) and not _may(path):
                    yield path


def _may(path: Path) -> bool:
    kept = path.name.startswith("ipcontroller") and path.suffix in {".json", ".key"}
    return kept and path.parent.name == "security" and path.stat().st_mode & 0o077 == 0
