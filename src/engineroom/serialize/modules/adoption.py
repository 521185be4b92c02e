"""Whether a module that an engine has imported by itself is what was shipped: then it keeps its own, and its state."""

from __future__ import annotations

import os
from types import ModuleType

from engineroom.serialize.modules.own import file_of
from engineroom.serialize.modules.unit import Unit

imported_at: dict[str, float] = {}
"""When this engine began to import each module, in seconds since 1970."""


def is_same(unit: Unit, there: dict[str, ModuleType]) -> bool:
    """Whether the files of the engine's own module are those that came, and did not change after it was imported."""
    module = there.get(unit.root)
    paths = getattr(module, "__path__", None)
    if paths is None:
        return _is_file(file_of(module), unit.files.get(f"{unit.root}.py"), imported_at.get(unit.root, 0.0))
    since = min((imported_at.get(name, 0.0) for name in there), default=0.0)
    return all(
        any(_is_file(os.path.join(path, name.partition("/")[2]), content, since) for path in paths)
        for name, content in unit.files.items()
        if name.endswith(".py")
    )


def _is_file(path: str, content: bytes | None, since: float) -> bool:
    if not path or content is None:
        return False
    try:
        about = os.stat(path)
        if about.st_size != len(content) or max(about.st_mtime, about.st_ctime) >= since:
            return False
        with open(path, "rb") as file:
            return file.read() == content
    except OSError:
        return False
