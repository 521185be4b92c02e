"""Displayed objects, errors and comms as their client gets them. Imported when a task shows the first of these."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from engineroom.protocol.ranges import MOST_DISPLAY, MOST_TEXT, WORD
from engineroom.protocol.streams import Buffer
from engineroom.serialize.failures.tracebacks import bounded

_PLAIN = "text/plain"
_LONGEST_PLAIN = 64 * 1024
"""Characters of plain text that stay of what is too large."""
_BESIDE_FORMS = 640 * 1024
"""Bytes that are left for the plain text and what stands beside the forms."""


LONGEST_COMM = 32 * 2**20
"""Bytes of one message of a comm."""

_LONGEST_TRACEBACK = MOST_DISPLAY // 24
"""Characters: each of them takes 12 bytes at most."""


def encoded(
    data: Mapping[str, Any],
    metadata: Mapping[str, Any],
    transient: Mapping[str, Any],
    execution_count: int | None = None,
    *,
    most: int = MOST_DISPLAY,
) -> bytes:
    """Return a displayed object as JSON, of `most` bytes. Of one that is too large, words replace the largest forms.

    `execution_count`: of a cell whose value it is.
    """
    data = bounded_forms({str(name): value for name, value in data.items()}, most)
    forms = {name: _json(value) for name, value in data.items()}
    beside = _json(metadata), _json(transient)
    if _size(forms, beside) > most:
        forms = {name: _json(value) for name, value in _smaller(data, _sizes(forms), most).items()}
        beside = "{}", beside[1] if len(beside[1]) <= _LONGEST_PLAIN else "{}"
    body = ",".join(f"{_json(name)}:{form}" for name, form in forms.items())
    count = "" if execution_count is None else f',"execution_count":{execution_count}'
    return f'{{"data":{{{body}}},"metadata":{beside[0]},"transient":{beside[1]}{count}}}'.encode()


def bounded_forms(data: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Return the forms of an object, with words in place of texts and bytes that are surely too large."""
    sizes = {name: len(value) for name, value in data.items() if isinstance(value, str | bytes | bytearray)}
    if sum(sizes.values()) <= most:
        return dict(data)
    return _smaller(data, {name: sizes.get(name, 0) for name in data}, most)


def encoded_error(name: str, text: str, traceback: str) -> bytes:
    """Return what ended a cell, as JSON; of a very long traceback, the head and the tail."""
    lines = bounded(traceback, _LONGEST_TRACEBACK).split("\n")
    return _json({"ename": name[:WORD], "evalue": bounded(text, MOST_TEXT), "traceback": lines}).encode()


def encoded_comm(content: Mapping[str, Any], metadata: Mapping[str, Any], buffers: Iterable[Buffer]) -> bytes:
    """Return a message of a comm as JSON. ValueError: it is too long."""
    parts = [base64.b64encode(buffer).decode() for buffer in buffers]
    raw = _json({**content, "metadata": metadata, "buffers": parts}).encode()
    if len(raw) > LONGEST_COMM:
        raise ValueError(
            f"a message of a comm has {len(raw)} bytes as JSON; the limit is {LONGEST_COMM} bytes. Send it in parts"
        )
    return raw


def _size(forms: Mapping[str, str], beside: tuple[str, str]) -> int:
    return _total(_sizes(forms)) + sum(map(len, beside))


def _sizes(forms: Mapping[str, str]) -> dict[str, int]:
    return {name: len(form) for name, form in forms.items()}


def _total(sizes: Mapping[str, int]) -> int:
    return 1024 + sum(8 * len(name) + size for name, size in sizes.items())


def _smaller(data: Mapping[str, Any], sizes: Mapping[str, int], most: int) -> dict[str, Any]:
    """Leave out the largest forms until the others fit; the plain text says which, and stays."""
    kept = sorted((name for name in data if name != _PLAIN), key=lambda name: sizes[name])
    gone: list[str] = []
    while kept and _total({name: sizes[name] for name in kept}) > most - _BESIDE_FORMS:
        gone.append(kept.pop())
    words = [f"[{name[:100]} is not shown: it has {_too_many(sizes[name], most)}]" for name in gone[:20]]
    plain = str(data.get(_PLAIN, ""))
    if len(plain) > _LONGEST_PLAIN:
        words.insert(0, f"[... {len(plain) - _LONGEST_PLAIN:,} characters were cut here ...]")
        plain = plain[:_LONGEST_PLAIN]
    return {_PLAIN: "\n".join([plain, *words] if plain else words)} | {name: data[name] for name in kept}


def _too_many(size: int, most: int) -> str:
    return f"{size:,} bytes, and the limit is {most:,}. Set IPEngine.max_display_bytes to more than {2 * size:,}"


def _json(value: object) -> str:
    return json.dumps(value, default=_other, separators=(",", ":"))


def _other(value: object) -> str:
    """Return what JSON has no form for: bytes, such as an image, as base64; all else in its own words."""
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    return repr(value)
