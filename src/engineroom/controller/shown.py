"""Messages and events as text for a log: long values by their size, and no user's bytes."""

from __future__ import annotations

from typing import Any

import msgspec

_LONG = 100
_ITEMS = 8


def shown(value: Any, depth: int = 4) -> str:
    """Return `value` in short: at most a few lines, whatever it holds."""
    match value:
        case bytes() | bytearray() | memoryview():
            return value.hex() if len(value) <= 24 else f"<{len(value)} bytes>"
        case str():
            return repr(value) if len(value) <= _LONG else f"{value[:_LONG]!r}... ({len(value)} characters)"
        case int() | float() | None:
            return repr(value)
        case msgspec.Struct() if depth:
            parts = (f"{name}={shown(getattr(value, name), depth - 1)}" for name in value.__struct_fields__)
            return f"{type(value).__name__}({', '.join(parts)})"
        case tuple() | list() if depth:
            more = [f"... {len(value)} in all"] if len(value) > _ITEMS else []
            return f"({', '.join([*(shown(item, depth - 1) for item in value[:_ITEMS]), *more])})"
    return f"<{type(value).__name__}>"
