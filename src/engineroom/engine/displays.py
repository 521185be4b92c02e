"""Displayed objects as their client gets them. Imported when the first cell runs."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from engineroom.protocol.ranges import MOST_DISPLAY

_PLAIN = "text/plain"
_LONGEST_PLAIN = 64 * 1024
"""Characters of plain text that stay of what is too large."""


def encoded(data: Mapping[str, Any], metadata: Mapping[str, Any], transient: Mapping[str, Any]) -> bytes:
    """Return a displayed object as JSON. Of one that is too large, the largest forms are replaced by words."""
    data = {str(name): value for name, value in data.items()}
    forms = {name: _json(value) for name, value in data.items()}
    beside = _json(metadata), _json(transient)
    if _size(forms, beside) > MOST_DISPLAY:
        forms = _smaller(data, forms)
        beside = "{}", beside[1] if len(beside[1]) <= _LONGEST_PLAIN else "{}"
    body = ",".join(f"{_json(name)}:{form}" for name, form in forms.items())
    return f'{{"data":{{{body}}},"metadata":{beside[0]},"transient":{beside[1]}}}'.encode()


def _size(forms: Mapping[str, str], beside: tuple[str, str]) -> int:
    return 1024 + sum(map(len, beside)) + sum(8 * len(name) + len(form) for name, form in forms.items())


def _smaller(data: Mapping[str, Any], forms: Mapping[str, str]) -> dict[str, str]:
    """Leave out the largest forms until the others fit; the plain text says which, and stays."""
    kept = sorted((name for name in forms if name != _PLAIN), key=lambda name: len(forms[name]))
    gone: list[str] = []
    while kept and _size({name: forms[name] for name in kept}, ("", "")) > MOST_DISPLAY // 4:
        gone.append(kept.pop())
    plain = str(data.get(_PLAIN, ""))
    words = [f"[{name[:100]} is not shown: it has {len(forms[name])} bytes, which is too large]" for name in gone[:20]]
    if len(plain) > _LONGEST_PLAIN:
        words.insert(0, f"[... {len(plain) - _LONGEST_PLAIN} characters were cut here ...]")
        plain = plain[:_LONGEST_PLAIN]
    return {_PLAIN: _json("\n".join([plain, *words] if plain else words))} | {name: forms[name] for name in kept}


def _json(value: object) -> str:
    return json.dumps(value, default=_other, separators=(",", ":"))


def _other(value: object) -> str:
    """Return what JSON has no form for: bytes, such as an image, as base64; all else in its own words."""
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    return repr(value)
