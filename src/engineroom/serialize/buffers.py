"""Large bytes and bytearrays as out-of-band buffers; plain pickle would copy them, and let no thread run meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pickle import PickleBuffer
from typing import Any

from engineroom.machine.shared_memory.scarce import LONG
from engineroom.serialize.frames import PIECE, check_memory
from engineroom.serialize.loading import loaded

_LARGE = 1 << 16
_MANY = 256
"""Longer containers are not searched."""
_DEPTH = 2
"""How many containers deep: the arguments of a call, and a list among them."""
_SEARCHED = frozenset({bytes, bytearray, tuple, list, dict})


def wrap_large(value: Any) -> Any:
    """Return `value`, or if large bytes are in it, what pickles like it with these out of band.

    MemoryError: there is no memory for an array of which pickle makes a copy.
    """
    kind = type(value)
    if kind is bytes or kind is bytearray:
        return _Large(value) if len(value) > _LARGE else value
    if (kind is tuple or kind is list or kind is dict) and len(value) <= _MANY and _has_large(value, _DEPTH):
        return _wrapped_for_sure(value)
    if hasattr(kind, "__array_interface__"):
        _check_copy(value)
    return value


def _has_large(container: Any, depth: int) -> bool:
    items: Iterable[Any] = container.values() if type(container) is dict else container
    for item in items:
        kind = type(item)
        if kind in _SEARCHED and item:
            if kind is bytes or kind is bytearray:
                if len(item) > _LARGE:
                    return True
            elif depth and len(item) <= _MANY and _has_large(item, depth - 1):
                return True
        elif hasattr(kind, "__array_interface__"):
            _check_copy(item)
    return False


def _check_copy(value: Any) -> None:
    """MemoryError: there is no memory for the copy that pickle makes of an array that is of a subclass or has gaps."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.ndarray) or value.nbytes < LONG:
        return
    if type(value) is not numpy.ndarray or not value.flags.forc:
        check_memory(value.nbytes)


def _wrapped_for_sure(value: Any) -> Any:
    """Return a copy of `value` with large bytes wrapped; `value` itself, if something would be two things then."""
    memo: dict[int, Any] = {}
    wrapped = _wrapped(value, _DEPTH, memo)
    changed = [key for key, its in memo.items() if id(its) != key and _matters(its)]
    if changed and loaded("engineroom.serialize.met_elsewhere").met_elsewhere(changed, wrapped, _DEPTH, _MANY):
        return value
    return wrapped


def _matters(wrapped: Any) -> bool:
    """Return whether it can be noticed that what stands for this is there once more: it can be changed."""
    kind = type(wrapped)
    return type(wrapped.value) is bytearray if kind is _Large else kind is not tuple


def _wrapped(value: Any, depth: int, memo: dict[int, Any]) -> Any:
    """Return a copy of `value` with large bytes wrapped; an object that is there twice stays one object."""
    if id(value) not in memo:
        memo[id(value)] = _copy_wrapped(value, depth, memo)
    return memo[id(value)]


def _copy_wrapped(value: Any, depth: int, memo: dict[int, Any]) -> Any:
    kind = type(value)
    if kind is bytes or kind is bytearray:
        return _Large(value) if len(value) > _LARGE else value
    if depth < 0 or kind not in (tuple, list, dict) or len(value) > _MANY or not _has_large(value, depth):
        return value
    if kind is dict:
        return {key: _wrapped(item, depth - 1, memo) for key, item in value.items()}
    return kind(_wrapped(item, depth - 1, memo) for item in value)


class _Large:
    __slots__ = ("value",)

    def __init__(self, value: bytes | bytearray) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        restore = restore_bytes if type(self.value) is bytes else restore_bytearray
        return restore, (PickleBuffer(self.value),)


class LargeBuffers(list[PickleBuffer]):
    """What takes only buffers of `least` bytes and more out of a pickle."""

    def __init__(self, least: int) -> None:
        super().__init__()
        self.least = least


def keeper(buffers: list[PickleBuffer]) -> Callable[[PickleBuffer], object]:
    """Return what a pickler asks about each buffer, so that `buffers` has those that it takes."""
    if not isinstance(buffers, LargeBuffers):
        return buffers.append

    def keep(buffer: PickleBuffer) -> bool:
        if memoryview(buffer).nbytes < buffers.least:
            return True
        buffers.append(buffer)
        return False

    return keep


def large(value: Any, least: int) -> Any:
    """Return bytes, or a bytearray, of `least` bytes and more as what pickles out of band; any other value itself."""
    return _Large(value) if type(value) in {bytes, bytearray} and len(value) >= least else value


def restore_bytes(buffer: bytes | memoryview) -> bytes:
    """Return the bytes in `buffer`: themselves, if they are all of it, else a copy.

    Other threads run while much is copied.
    """
    if isinstance(buffer, bytes):
        return buffer
    if type(buffer.obj) is bytes and len(buffer.obj) == len(buffer):
        return buffer.obj
    if len(buffer) <= PIECE:
        return bytes(buffer)
    from engineroom.machine.shared_memory.copying import as_bytes  # with ctypes, which takes 8 ms

    return as_bytes(buffer)


def restore_bytearray(buffer: bytearray | memoryview) -> bytearray:
    """Return a copy of `buffer`, made in pieces so that other threads run in between."""
    if isinstance(buffer, bytearray):
        return buffer
    value = bytearray()
    for start in range(0, len(buffer), PIECE):
        value += buffer[start : start + PIECE]
    return value


def restore_memoryview(buffer: Any, layout: str, shape: tuple[int, ...]) -> memoryview:
    """Return a view of `buffer` with the format and shape that were sent."""
    view = memoryview(buffer).cast("B")
    if 0 in shape:
        return view.cast(layout)  # type: ignore[call-overload, no-any-return]  # any format of the struct module
    return view.cast(layout, shape)  # type: ignore[call-overload, no-any-return]
