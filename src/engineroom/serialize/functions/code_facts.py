"""What a code object refers to, with the functions, classes and comprehensions inside it."""

from __future__ import annotations

import dis
from types import CodeType
from typing import NamedTuple
from weakref import WeakKeyDictionary

_READS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_REBINDS = frozenset({"STORE_DEREF", "DELETE_DEREF"})


class CodeFacts(NamedTuple):
    """`reads`: names looked up in the globals, in order; `names`: also attributes and the like.
    `rebinds`: whether it assigns to variables of an enclosing function."""

    reads: tuple[str, ...]
    names: frozenset[str]
    rebinds: bool


_known: WeakKeyDictionary[CodeType, CodeFacts] = WeakKeyDictionary()


def facts_of(code: CodeType) -> CodeFacts:
    """Return what `code` refers to; about 1 us when asked again."""
    facts = _known.get(code)
    if facts is None:
        facts = _known[code] = _look(code)
    return facts


def _look(code: CodeType) -> CodeFacts:
    reads: dict[str, None] = {}
    names = set(code.co_names)
    rebinds = False
    for instruction in dis.get_instructions(code):
        if instruction.opname in _READS:
            reads[instruction.argval] = None
        elif instruction.opname in _REBINDS and instruction.argval in code.co_freevars:
            rebinds = True
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = facts_of(constant)
            reads.update(dict.fromkeys(inner.reads))
            names |= inner.names
            rebinds |= _reaches_out(constant, code)
    return CodeFacts(tuple(reads), frozenset(names), rebinds)


def _reaches_out(inner: CodeType, outer: CodeType) -> bool:
    """Whether `inner` assigns to a variable that is not even `outer`'s own."""
    return facts_of(inner).rebinds and any(name in outer.co_freevars for name in inner.co_freevars)
