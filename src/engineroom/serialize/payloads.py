"""Values as bytes that travel, and back.

Plain pickle does most of it, in about a microsecond; what the far end can't import, and what plain pickle
refuses, goes by value. A pack is a snapshot: what happens to the value afterwards does not matter.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pickle import PickleBuffer
from pickle import dumps as _dumps
from pickle import loads as _loads
from typing import Any

from engineroom.errors import PackError, TooLargeToSend
from engineroom.protocol.messages import INLINE_LIMIT
from engineroom.serialize.buffers import keeper, wrap_large
from engineroom.serialize.failures.exceptions import may_hold_exceptions
from engineroom.serialize.frames import Buffer, Packed, lay_out, split
from engineroom.serialize.loading import loaded
from engineroom.serialize.modules.own import own
from engineroom.serialize.rules import otherwise, rules

_USUAL_LIMIT = 10_000
"""Up to this limit of recursion, pickling needs no longer stack than each thread has."""

_NONE: AbstractSet[str] = frozenset()
_NOTHING = _dumps(None, 5)
_GLOBAL = b"\x93"
"""The instruction of pickle (STACK_GLOBAL) by which it names a class or a function."""


def pack(value: object, *, copy: bool = True, what: str = "") -> Packed:
    """Return the packed form of `value`; PackError says what in it can't travel.

    `copy=False`: long buffers (arrays, bytes) stay where they are, and must not change until they are sent.
    `what` names the value in an error: "the result", "argument 2 of 'fit'".
    """
    if value is None:  # what most calls return that are made for what they do
        return _NOTHING
    buffers: list[PickleBuffer] = []
    root = "result" if what == "the result" else "value"
    try:
        if sys.getrecursionlimit() > _USUAL_LIMIT:
            pickle = pickled(value, buffers, what=what, root=root)
        else:  # as `pickled` does, without its detours: each call and each result come by here
            wrapped = wrap_large(value)
            pickle = _plainly(wrapped, buffers.append) or _by_value(value, wrapped, buffers, what, root)
        if not buffers and len(pickle) <= INLINE_LIMIT:
            return pickle
        return lay_out(pickle, buffers, copy=copy)
    except MemoryError as error:
        if isinstance(error, PackError):
            raise
        from engineroom.serialize.refusals import sizes  # only needed now

        raise sizes.too_large(what or "the value", sizes.size_of(value)) from error


def pack_names(names: Mapping[str, object], *, copy: bool = True) -> Packed:
    """Return packed what is to be known under these names; PackError says which one can't travel."""
    try:
        return pack(names, copy=copy)
    except PackError as error:
        from engineroom.serialize.refusals.culprits import Named, blame  # only needed now

        raise blame([Named(f"the variable {name!r}", name, names[name]) for name in names], error) from error.__cause__


def unpack(packed: Buffer) -> Any:
    """Return the value; its arrays are writable, in the memory of `packed` where that is writable."""
    return unpickled(packed)


def pickled(value: object, buffers: list[PickleBuffer] | None = None, *, what: str = "", root: str = "value") -> bytes:
    """Return a pickle of `value`, its out-of-band buffers appended to `buffers` (None: they are in the pickle).

    `what` and `root` name it in an error: "the function 'f'", and "f" in an expression.
    """
    if sys.getrecursionlimit() > _USUAL_LIMIT and sys.version_info < (3, 12):
        from engineroom.serialize.deep import on_a_long_stack  # hardly anybody needs it

        return on_a_long_stack(lambda: _pickled(value, buffers, what, root))
    return _pickled(value, buffers, what, root)


def _pickled(value: object, buffers: list[PickleBuffer] | None, what: str, root: str) -> bytes:
    keep = None if buffers is None else keeper(buffers)
    wrapped = value if keep is None else wrap_large(value)
    return _plainly(wrapped, keep) or _by_value(value, wrapped, buffers, what, root)


def _plainly(wrapped: object, keep: Callable[[PickleBuffer], object] | None) -> bytes | None:
    """Return a plain pickle; None where something in it must travel by value."""
    try:
        pickle = _dumps(wrapped, 5, buffer_callback=keep)
    except Exception:  # noqa: BLE001 -- any object may refuse in its own way, and perhaps only plain pickle
        return None
    if _GLOBAL not in pickle:
        return pickle
    if b"__main__" in pickle or rules or modules_by_value() or may_hold_exceptions(pickle):
        return None
    return _with_modules(pickle) if own.any() else pickle


def _with_modules(pickle: bytes) -> bytes:
    # Only those who have modules of their own need it.
    completed: bytes = loaded("engineroom.serialize.modules.shipping").shipping.complete(pickle)
    return completed


def _by_value(value: object, wrapped: object, buffers: list[PickleBuffer] | None, what: str, root: str) -> bytes:
    if buffers:
        buffers.clear()
    pickler = loaded("engineroom.serialize.by_value.pickler")  # with cloudpickle, which takes 10 ms; many do without

    try:
        pickle: bytes = pickler.dumps(wrapped, buffers, _ruled() if rules else None)
        return _with_modules(pickle) if own.any() else pickle
    except PackError:
        raise
    except Exception as error:
        from engineroom.serialize.refusals.culprits import explain, too_deep  # only needed now

        if too_deep(error) and sys.getrecursionlimit() <= _USUAL_LIMIT and sys.version_info < (3, 12):
            from engineroom.serialize.deep import deeper  # hardly anybody needs it

            return deeper(lambda: _by_value(value, wrapped, buffers, what, root))
        if otherwise and (by_choice := _otherwise(wrapped, buffers)):
            return by_choice
        words = explain(value, what, error, root=root)
        raise (TooLargeToSend if isinstance(error, MemoryError) else PackError)(words) from error


def _otherwise(wrapped: object, buffers: list[PickleBuffer] | None) -> bytes | None:
    """Return a pickle as the user has chosen for what cannot be sent, None if that fails, too."""
    from engineroom.serialize.by_value import pickler

    if buffers:
        buffers.clear()
    try:
        pickle = pickler.dumps(wrapped, buffers, otherwise[0])
    except Exception:  # noqa: BLE001 -- any object may refuse in its own way, and how it did at first is told
        return None
    return _with_modules(pickle) if own.any() else pickle


def _ruled() -> Any:
    return loaded("engineroom.serialize.by_value.ruled").RuledPickler  # few have rules


def unpickled(packed: Buffer, parts: Sequence[Buffer] = ()) -> Any:
    """Return the value in `packed`. `parts`: the buffers that did not travel with it."""
    if packed[0] == 0x80:
        return _loads(packed, buffers=parts)
    pickle, buffers = split(packed)
    return _loads(pickle, buffers=buffers)


@contextmanager
def named_loading(what: str) -> Iterator[None]:
    """Say what was being unpacked when that fails, and which versions this side has: "the function 'f'"."""
    try:
        yield
    except Exception as error:
        from engineroom.serialize.failures.unpacking import explained  # only needed now

        made = explained(error, what)
        if made is error:
            raise
        raise made from error


def modules_by_value() -> AbstractSet[str]:
    """Return the modules that the user registered with cloudpickle, so that all in them travels by value."""
    cloudpickle: Any = sys.modules.get("cloudpickle.cloudpickle")
    return _NONE if cloudpickle is None else cloudpickle._PICKLE_BY_VALUE_MODULES
