"""The attempts of a recorded task, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def attempts_told(attempts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield in words where each attempt ran, and how it ended; they are counted from 1, whatever their numbers are."""
    for number, attempt in enumerate(attempts, 1):
        engine, host = attempt["engine_id"], attempt["host"] or "an unknown host"
        where = "an unknown engine" if engine is None else f"engine {engine}"
        yield f"attempt {number} on {where} at {host}" + (f": {attempt['cause']}" if attempt["cause"] else "")
