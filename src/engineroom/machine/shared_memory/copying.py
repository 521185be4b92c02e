"""Copies and compares long pieces of memory while other threads run: a slice that is assigned keeps them waiting."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Sequence


class _Buffer(ctypes.Structure):
    """What C has of a buffer (`Py_buffer`)."""

    _fields_ = (
        ("start", ctypes.c_void_p),
        ("owner", ctypes.c_void_p),
        ("length", ctypes.c_ssize_t),
        ("item_size", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("dimensions", ctypes.c_int),
        ("format", ctypes.c_void_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


_move = ctypes.CDLL(None).memmove
_move.argtypes, _move.restype = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t), ctypes.c_void_p

_compare = ctypes.CDLL(None).memcmp
_compare.argtypes, _compare.restype = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t), ctypes.c_int

_new_bytes = ctypes.pythonapi.PyBytes_FromStringAndSize
_new_bytes.argtypes, _new_bytes.restype = (ctypes.c_void_p, ctypes.c_ssize_t), ctypes.py_object

_start_of_bytes = ctypes.pythonapi.PyBytes_AsString
_start_of_bytes.argtypes, _start_of_bytes.restype = (ctypes.py_object,), ctypes.c_void_p


_PAGE = 4096
_CACHED = 1 << 20


def copy(target: memoryview, source: memoryview) -> None:
    """Put `source` into `target`, which is as long; both are contiguous bytes.

    When libc copies much at a time, it goes past the caches. That takes little more than half as long, but twice as
    long if `target` begins a little further into its page than `source` does: then each load seems to need the store
    before it. Short pieces stay in the caches.
    """
    assert len(target) == len(source)
    assert not target.readonly
    end = len(source)
    there, here = _address(target), _address(source)
    step = _CACHED if 0 < (there - here) % _PAGE < _PAGE // 2 else max(end, 1)
    for start in range(0, end, step):
        _move(there + start, here + start, min(step, end - start))


def join(target: memoryview, sources: Sequence[memoryview], *, processors: int | None = None) -> None:
    """Put `sources`, contiguous bytes, one after the other into `target`, which is as long.

    With more than one of `processors` (None: those that this process may use), a second thread copies half of it.
    """
    middle = len(target) // 2 // _PAGE * _PAGE
    if (processors or _processors()) > 1:
        helper = threading.Thread(target=_join_part, args=(target, sources, slice(middle)), name="engineroom-copy")
        try:
            helper.start()
        except RuntimeError:  # there are too many threads
            pass
        else:
            _join_part(target, sources, slice(middle, None))
            helper.join()
            return
    _join_part(target, sources, slice(None))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _join_part(target: memoryview, sources: Sequence[memoryview], part: slice) -> None:
    """Do `join`, but only for this part of `target`."""
    first, last, _ = part.indices(len(target))
    at = 0
    for source in sources:
        start, end = max(first, at), min(last, at + len(source))
        if start < end:
            copy(target[start:end], source[start - at : end - at])
        at += len(source)


def same(one: memoryview, other: memoryview) -> bool:
    """Return whether `one` and `other`, contiguous bytes of the same length, are equal."""
    assert len(one) == len(other)
    return not _compare(_address(one), _address(other), len(one))


def as_bytes(source: memoryview) -> bytes:
    """Return a copy of `source`, which is contiguous bytes. MemoryError: there is no memory for it."""
    copied: bytes = _new_bytes(None, len(source))  # nobody else has it yet
    _move(_start_of_bytes(copied), _address(source), len(source))
    return copied


def _address(view: memoryview) -> int:
    """Return where a buffer begins; it stays there as long as there is the view."""
    found = _Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(view), ctypes.byref(found), 0)
    start: int = found.start
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(found))
    return start
