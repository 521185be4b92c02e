"""The source lines of functions that travel by value, so that tracebacks show them wherever the functions run.

They arrive in `linecache`, where tracebacks, debuggers and `inspect` look for lines of a file.
"""

from __future__ import annotations

import linecache
from collections import OrderedDict
from itertools import islice, takewhile
from types import CodeType
from typing import TypeAlias
from weakref import WeakKeyDictionary

from engineroom.serialize.functions.interactive import home

Source: TypeAlias = tuple[str, ...]
"""Lines, the first of which is that where the code starts."""

NOT_UNIQUE = frozenset({"<string>", "<stdin>", "<console>", "<input>", "<unknown>", "<lambda>"})
"""Names that many pieces of code have: lines for one of them would be shown for the others."""

_UNKNOWN = "...\n"
"""Stands for a line between functions that came; `inspect` sees that a function has ended before it."""

MOST_LINES = 3000
_LAST_LINE = 200_000
_MOST_FILES = 500

_sent: WeakKeyDictionary[CodeType, tuple[str, Source]] = WeakKeyDictionary()
_received: OrderedDict[str, list[str]] = OrderedDict()
"""By file name, the lines that are in linecache because they came with a function."""


def source_of(code: CodeType) -> Source:
    """Return the lines of `code`, as far as this process knows them; about 1 us when asked again."""
    name = code.co_filename
    known = _sent.get(code)
    if known is not None and known[0] == name:  # code of two files may be equal
        return known[1]
    lines = () if name in NOT_UNIQUE else _look(code)
    _sent[code] = name, lines
    return lines


def received(name: str, first: int, lines: Source) -> None:
    """Have tracebacks show `lines`, which begin with number `first` of the file `name`."""
    end = first - 1 + len(lines)
    if not lines or not 0 < first <= end <= _LAST_LINE:
        return
    there = _received.get(name)
    if there is None or _current(name) is not there:
        there = linecache.getlines(name)
        if there[first - 1 : end] == list(lines) or (there and home.namespace is None):
            return  # a client knows its own files better
        there = _received[name] = list(there)
        if len(_received) > _MOST_FILES:
            _forget_oldest()
    there += [_UNKNOWN] * (end - len(there))
    there[first - 1 : end] = lines
    linecache.cache[name] = (sum(map(len, there)), None, there, name)  # None: not to be compared with a file


def _look(code: CodeType) -> Source:
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename)
    start, end = code.co_firstlineno - 1, min(_last_line(code), code.co_firstlineno + MOST_LINES)
    closing = takewhile(lambda line: line.lstrip()[:1] in {")", "]", "}"}, islice(lines, end, None))
    return (*lines[start:end], *closing)


def _last_line(code: CodeType) -> int:
    own = max((end for _, end, _, _ in code.co_positions() if end), default=code.co_firstlineno)
    return max([own, *(_last_line(inner) for inner in code.co_consts if isinstance(inner, CodeType))])


def _current(name: str) -> list[str] | None:
    entry = linecache.cache.get(name)
    return entry[2] if entry is not None and len(entry) == 4 else None


def _forget_oldest() -> None:
    name, lines = _received.popitem(last=False)
    if _current(name) is lines:
        linecache.cache.pop(name, None)
