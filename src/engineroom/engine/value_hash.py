"""A hash of what a value holds, the same in every process where equal values are: unlike pickles, and `hash()`."""

from __future__ import annotations

import hashlib
import re
import types
from collections.abc import Callable, Iterable
from typing import Any

_SHORT = 12
"""Hexadecimal digits that are shown."""

_LONG = 64
"""Bytes."""

_PLAIN: dict[type, Callable[[Any], str]] = {
    **dict.fromkeys((type(None), bool, complex, bytes, bytearray, type(Ellipsis), type(NotImplemented)), repr),
    int: hex,  # of any length, which decimals are not
    float: float.hex,
    str: str,
}

_AT_ONCE = 2**20
"""Bytes of an array that are looked at in one go: no copy of a large one is made."""


def hash_of(value: Any) -> str:
    """Return a hash of `value`: of what it holds, not of where it is in memory or in which order a set has it.

    TypeError, or whatever its class raises: it cannot be taken apart, as a lock cannot.
    """
    return hashlib.blake2b(_Walk().digest(value), digest_size=16).hexdigest()[:_SHORT]


class _Walk:
    """One look at all that a value holds; what holds itself is met twice."""

    def __init__(self) -> None:
        self._open: dict[int, int] = {}
        self._kept: list[Any] = []  # or an id might be used again
        self._known: dict[int, bytes] = {}

    def digest(self, value: Any) -> bytes:
        kind = type(value)
        plain = _PLAIN.get(kind)
        if plain is not None:
            # Of what is short, no hash is needed; nothing that is hashed begins so.
            raw = plain(value).encode("utf-8", "surrogatepass")
            return b"%s %s" % (kind.__name__.encode(), raw) if len(raw) < _LONG else _join(kind.__name__, raw)
        if id(value) in self._open:
            return _join("again", len(self._open) - self._open[id(value)])
        if (known := self._known.get(id(value))) is not None:
            return known
        self._open[id(value)] = len(self._open)
        self._kept.append(value)
        try:
            found = self._known[id(value)] = self._look(value, kind)
        finally:
            del self._open[id(value)]
        return found

    def _look(self, value: Any, kind: type) -> bytes:
        name = f"{kind.__module__}.{kind.__qualname__}"
        if kind in {list, tuple}:
            return _join(name, *map(self.digest, value))
        if kind in {set, frozenset}:
            return _join(name, *sorted(map(self.digest, value)))
        if kind is dict:
            return _join(name, *self._pairs(value.items()))
        for test, look in _KINDS:
            if test(value, name):
                return _join(name, *map(self.digest, look(value)))
        return self._object(value, name)

    def _pairs(self, pairs: Iterable[tuple[Any, Any]]) -> list[bytes]:
        return sorted(_join(self.digest(key), self.digest(item)) for key, item in pairs)

    def _object(self, value: Any, name: str) -> bytes:
        """Return the hash of what pickle would make of `value`, taken apart."""
        reduced = value.__reduce_ex__(4)
        if isinstance(reduced, str):
            return _join(name, reduced)
        make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        return _join(
            name,
            self.digest(make),
            self.digest(arguments),
            self.digest(state),
            *(map(self.digest, items or ())),
            *self._pairs(pairs or ()),
        )


def _join(*parts: bytes | str | int) -> bytes:
    pieces: list[bytes] = []
    for part in parts:
        raw = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        pieces += (len(raw).to_bytes(8, "big"), raw)
    return b"# " + hashlib.blake2b(b"".join(pieces), digest_size=16).digest()


def _is_array(value: Any, name: str) -> bool:
    return name == "numpy.ndarray" and not value.dtype.hasobject


def _of_array(value: Any) -> Iterable[Any]:
    whole, count = hashlib.blake2b(), max(1, _AT_ONCE // max(1, value.itemsize))
    for start in range(0, value.size, count):
        whole.update(value.flat[start : start + count].tobytes())
    return str(value.dtype), value.shape, whole.digest()


def _of_objects(value: Any) -> Iterable[Any]:
    return str(value.dtype), value.shape, value.ravel().tolist()


def _of_frame(value: Any) -> Iterable[Any]:
    columns = [(str(column.dtype), _content(column)) for _, column in value.items()]
    return _content(value.index), list(value.columns), columns


def _of_series(value: Any) -> Iterable[Any]:
    index: Any = getattr(value, "index", None)
    labels = _content(index) if hasattr(index, "tolist") else None
    return str(value.dtype), str(getattr(value, "name", None)), _content(value), labels


def _content(column: Any) -> Any:
    """Return the content of a Series or an Index: as an array where it is one, which is much quicker than a list."""
    return column.to_numpy() if type(column.dtype).__module__.startswith("numpy") else column.tolist()


def _of_function(value: Any) -> Iterable[Any]:
    cells = [cell.cell_contents for cell in value.__closure__ or ()]
    return value.__qualname__, value.__code__, value.__defaults__, value.__kwdefaults__, cells


def _of_code(value: Any) -> Iterable[Any]:
    return value.co_code, value.co_names, value.co_varnames, value.co_consts


def _named(value: Any) -> Iterable[Any]:
    return (getattr(value, "__module__", ""), getattr(value, "__qualname__", value.__name__))


def _of_type(*kinds: Any) -> Callable[[Any, str], bool]:
    return lambda value, _: isinstance(value, kinds)


_KINDS: tuple[tuple[Callable[[Any, str], bool], Callable[[Any], Iterable[Any]]], ...] = (
    (_is_array, _of_array),
    (lambda _, name: name == "numpy.ndarray", _of_objects),
    (lambda _, name: re.fullmatch(r"pandas(\.\w+)*\.DataFrame", name) is not None, _of_frame),
    (lambda _, name: re.fullmatch(r"pandas(\.\w+)*\.\w*(Series|Index)", name) is not None, _of_series),
    (_of_type(types.FunctionType), _of_function),
    (_of_type(types.CodeType), _of_code),
    (_of_type(type, types.ModuleType, types.BuiltinFunctionType), _named),
)
