"""Engines as they are typed after `--targets`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError

_RANGES = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
_SLICE = re.compile(r"(-?\d+)?:(-?\d+)?(:(-?\d+)?)?")
_NUMBER = re.compile(r"-?\d+")


def targets_of(text: str, ids: Callable[[], list[int]], evaluate: Callable[[str], Any]) -> Any:
    """Return what views take as `targets`: "all", an engine id, or a list of ids.

    `text`: "all", "3", "-1", "0,2", "0-3", "::2" (a slice of the list of ids, which `ids` returns) or an expression,
    which `evaluate` evaluates. UsageError: it is none of these.
    """
    plain = re.sub(r"\s+", "", text).strip("'\"")
    bare = plain[1:-1] if plain[:1] + plain[-1:] in {"[]", "()"} else plain
    if plain == "all":
        return "all"
    if _NUMBER.fullmatch(plain):
        return int(plain)
    if _RANGES.fullmatch(bare.rstrip(",")):
        return [number for part in bare.rstrip(",").split(",") for number in _run(part)]
    if _SLICE.fullmatch(bare):
        return ids()[slice(*(int(part) if part else None for part in bare.split(":")))]
    return _evaluated(text, evaluate)


def _run(part: str) -> range:
    low, _, high = part.partition("-")
    return range(int(low), int(high or low) + 1)


def _evaluated(text: str, evaluate: Callable[[str], Any]) -> Any:
    try:
        value = evaluate(text)
        return value if isinstance(value, int | str) else list(value)
    except Exception as error:  # noqa: BLE001 (an expression may raise anything)
        raise UsageError(
            f"--targets {text!r} names no engines ({type(error).__name__}: {error}). Write 'all', an engine id (3), "
            "several (0,2 or 0-3), or a slice (::2)"
        ) from None
