"""Code whose inner functions have the builtins that are chosen for them.

A function's builtins are `globals["__builtins__"]` of the moment when it is made. This module returns code that sets
this entry before each function it makes (inner functions, lambdas, comprehensions, class bodies), and resets it after
it: nothing in between can be interrupted, by a signal or by another thread, and all that is made later in the
same way follows. It costs about 10 ns for each function that is made, and nothing elsewhere.

    LOAD_CONST code                    EXTENDED_ARG       (jump to the end of the code)
    MAKE_FUNCTION          becomes     JUMP_FORWARD
                                       ...
                                       LOAD_CONST chosen; STORE_GLOBAL __builtins__
                                       LOAD_CONST code; MAKE_FUNCTION
                                       LOAD_CONST builtins; STORE_GLOBAL __builtins__
                                       JUMP_BACKWARD_NO_INTERRUPT

No other instruction moves, so jumps, exception handlers and line numbers stay valid.
"""

from __future__ import annotations

import builtins
import importlib
import opcode
from types import CodeType, ModuleType
from typing import Any

_OPCODES: dict[str, int] = dict(opcode.opmap)
_USED = ("EXTENDED_ARG", "JUMP_FORWARD", "JUMP_BACKWARD_NO_INTERRUPT", "LOAD_CONST", "STORE_GLOBAL", "MAKE_FUNCTION")
_KNOWN = all(name in _OPCODES for name in _USED)
"""Whether this interpreter has all instructions that are used; elsewhere code stays as it is."""
_EXTENDED, _FORWARD, _BACKWARD, _CONST, _STORE, _MAKE = (_OPCODES.get(name, -1) for name in _USED)
_FARTHEST = 0xFFFF
_NO_LINE = 0xF8
"""An entry of the table of lines (PEP 657) for up to 8 instructions without a line, less the number - 1."""


class Builtins(ModuleType):
    """A module that can be the value of `__builtins__`; its content can be anything.

    In another process, where a copy of the code may go, the usual builtins take its place.
    """

    def __init__(self) -> None:
        super().__init__("builtins")

    def __reduce__(self) -> tuple[Any, ...]:
        return importlib.import_module, ("builtins",)


class _Original:
    """What the code was: the last of its constants."""

    __slots__ = ("code",)

    def __init__(self, code: CodeType | None = None) -> None:
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return _Original, ()


def original_of(code: CodeType) -> CodeType:
    """Return the code that `with_builtins` was given; any other code itself."""
    last = code.co_consts[-1] if code.co_consts else None
    return last.code or code if type(last) is _Original else code


def with_builtins(code: CodeType, chosen: Builtins) -> CodeType:
    """Return `code` with inner functions that have `chosen` as builtins, and so have those inside them."""
    if not _KNOWN or not any(type(constant) is CodeType for constant in code.co_consts):
        return code
    inner = tuple(with_builtins(part, chosen) if type(part) is CodeType else part for part in code.co_consts)
    first, names = len(inner), code.co_names
    if "__builtins__" not in names:
        names = (*names, "__builtins__")
    begin = _instructions((_CONST, first), (_STORE, names.index("__builtins__")))
    end = _instructions((_CONST, first + 1), (_STORE, names.index("__builtins__")))
    made = _divert(code.co_code, begin, end)
    added = len(made) - len(code.co_code)
    return code.replace(
        co_code=made,
        co_consts=(*inner, chosen, builtins, _Original(code)),
        co_names=names,
        co_stacksize=code.co_stacksize + 1,
        co_linetable=code.co_linetable + _without_line(added // 2),
    )


def _divert(code: bytes, begin: bytes, end: bytes) -> bytes:
    """Return `code` with each place that makes a function diverted to its end, between `begin` and `end`."""
    made = bytearray(code)
    for place in range(2, len(code), 2):
        # Inline caches are zeros, and no instruction.
        if code[place] != _MAKE or code[place - 2] != _CONST:
            continue
        distance = (len(made) - (place + 2)) // 2
        if distance > _FARTHEST:
            break
        before = _prefixes(code, place - 2)
        made += begin + code[before : place + 2] + end
        made += _jump_back(len(made), place + 2)
        made[place - 2 : place + 2] = (_EXTENDED, distance >> 8, _FORWARD, distance & 0xFF)
        made[before : place - 2] = _instructions((_OPCODES["NOP"], 0)) * ((place - 2 - before) // 2)
    return bytes(made)


def _prefixes(code: bytes, place: int) -> int:
    """Return where the instruction at `place` begins, with what extends its argument."""
    while place >= 2 and code[place - 2] == _EXTENDED:
        place -= 2
    return place


def _jump_back(start: int, target: int) -> bytes:
    """Return a jump at `start` to `target`; the distance counts from its own end."""
    for length in (2, 4, 6):
        jump = _instructions((_BACKWARD, (start + length - target) // 2))
        if len(jump) == length:
            return jump
    raise AssertionError("no code is that long")


def _instructions(*pairs: tuple[int, int]) -> bytes:
    made = bytearray()
    for operation, argument in pairs:
        for shift in (24, 16, 8):
            if argument >> shift:
                made += bytes((_EXTENDED, argument >> shift & 0xFF))
        made += bytes((operation, argument & 0xFF))
    return bytes(made)


def _without_line(count: int) -> bytes:
    """Return entries of the table of lines for `count` instructions."""
    whole, rest = divmod(count, 8)
    return bytes((_NO_LINE | 7,)) * whole + (bytes((_NO_LINE | rest - 1,)) if rest else b"")
