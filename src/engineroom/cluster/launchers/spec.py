"""A launcher as plain data: what a plan says of it."""

from __future__ import annotations

from typing import Any

import msgspec


class LauncherSpec(msgspec.Struct, frozen=True):
    """A launcher's class, as `module.Class`, and those of its options that somebody has set. `places`: directories in
    which the module may be, beside those where Python looks. `pickled`: the class itself, b"" where it can be
    imported."""

    cls: str
    options: dict[str, Any] = {}
    places: list[str] = []
    pickled: bytes = b""
