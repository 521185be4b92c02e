"""Amounts as people write them: 4, 0.5, "4GiB"."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_AMOUNT = re.compile(r"\s*([+-]?[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?)\s*(?:([kmgtp])(i?))?b?\s*", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_NO_AMOUNTS = frozenset({"nan", "inf", "infinity"})
"""Numbers to Python, and no amounts."""
MOST = 1e18


def amount_of(name: str, value: Any) -> float:
    """Return the number that `value` means: a number, or text such as "4GiB" (2**30) or "4GB" (10**9).

    TypeError: it is neither; ValueError: it is negative, not finite, or more than 10**18, or the text has another form.
    """
    if isinstance(value, str):
        number = _number_in(name, value)
    elif isinstance(value, bool | bytes) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a number or text such as '4GiB', not {value!r}")
    else:
        number = _as_float(value)
    if number < 0:
        raise ValueError(f"{name} must be 0 or more, not {value!r}")
    if not math.isfinite(number) or number > MOST:
        raise ValueError(f"{name} must be a number from 0 to 1e18, not {value!r}")
    return number


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _number_in(name: str, text: str) -> float:
    found = _AMOUNT.fullmatch(text)
    if found is not None:
        factor = 1024 if found[3] else 1000
        return float(found[1]) * float(factor ** _POWERS[(found[2] or "").lower()])
    if text.strip().lower().lstrip("+-") in _NO_AMOUNTS:
        return float(text)
    raise ValueError(f"{name} must be a number, or a number with a unit such as '4GiB', '500MB' or '2k', not {text!r}")


def resources_of(given: Mapping[str, Any] | None) -> tuple[tuple[str, float], ...]:
    """Return names and amounts in the order of the names, without those of which there is nothing.

    TypeError or ValueError: a name is no text, or empty, or an amount is none.
    """
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(f"resources must be a dict such as {{'gpu': 1}}, not {given!r}")
    found = {
        checked_name("a resource", name): amount_of(f"resource {name!r}", value)
        for name, value in (given or {}).items()
    }
    return tuple(sorted((name, amount) for name, amount in found.items() if amount))


def tags_of(given: Any, name: str = "tags") -> tuple[str, ...]:
    """Return tags in order, from one tag or several. TypeError or ValueError: one is no text, or empty."""
    if given is None or given == "":
        return ()
    if isinstance(given, str):
        given = [given]
    elif not isinstance(given, list | tuple | set | frozenset):
        raise TypeError(f"{name} must be text, or a list of texts, not {given!r}")
    return tuple(sorted({checked_name("a tag", each) for each in given}))


def checked_name(what: str, name: Any) -> str:
    """Return the name of a resource or a tag; TypeError: it is no text; ValueError: it can't be one."""
    if not isinstance(name, str):
        raise TypeError(f"the name of {what} must be text, not {name!r}")
    if not name.strip() or len(name) > _LONGEST or not name.isprintable():
        raise ValueError(f"{name[:_LONGEST]!r} cannot be the name of {what}: use 1 to {_LONGEST} printable characters")
    return name


_LONGEST = 100
MOST_NAMES = 20
"""So many resources, or tags, fit into a message."""
