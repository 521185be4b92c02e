"""Exceptions among values: whatever their `__init__` wants, they arrive as what they were.

Pickle makes an exception anew by calling its class with its `args`, which fails or changes it where the class has
an `__init__` of its own; and it leaves out the cause, the context, and attributes in slots.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engineroom.errors.parts import has_own_ways, taken_apart

_CLASS = re.compile(
    rb"\x93(?:(?<=\x94h.\x93)|(?<=\x94j....\x93)|(?<=h.h.\x93)|(?<=h.j....\x93)|(?<=j....h.\x93)|(?<=j....j....\x93)"
    rb"|((?<=\x94\x93)))",
    re.DOTALL,
)
"""Where a pickle names a class or function: `name \\x94 \\x93`, or a name that was in the pickle before, whether its
module was or not. It begins with a fixed byte, which is found quickly among numbers and texts."""

_NAME = re.compile(rb"[\w.]+\Z")
_LONGEST_NAME = 100
_REMEMBERED = 10_000

_harmless: set[bytes] = set()
"""Names of which it is known that no exception has them."""


def may_hold_exceptions(pickle: bytes) -> bool:
    """Whether an exception may be in `pickle`, made by plain pickle; some 50 ns where it names no class."""
    if b"\x93" not in pickle:
        return False
    for match in _CLASS.finditer(pickle):
        end = match.start() - 1
        if match[1] is None or _may_be_exception(pickle[max(0, end - _LONGEST_NAME) : end]):
            return True
    return False


def reduce_exception(exception: BaseException, *, chained: bool) -> tuple[Any, ...] | None:
    """Return how `exception` is pickled; None: as its class says. `chained`: with its cause and context."""
    return None if has_own_ways(type(exception)) else taken_apart(exception, chained=chained)


def _may_be_exception(before: bytes) -> bool:
    found = _NAME.search(before)
    if found is None:
        return True
    text = found[0]
    if text in _harmless:
        return False
    # The byte before a name is its length, which may look like one more letter.
    names = {text.decode(), text[1:].decode(errors="replace")}
    if any(kind.__qualname__ in names for kind in _exceptions()):
        return True
    if len(_harmless) >= _REMEMBERED:
        _harmless.clear()
    _harmless.add(text)
    return False


def _exceptions() -> Iterator[type]:
    waiting: list[type[BaseException]] = [BaseException]
    seen: set[int] = set()
    while waiting:
        kind = waiting.pop()
        if id(kind) not in seen:
            seen.add(id(kind))
            yield kind
            waiting += type.__subclasses__(kind)
