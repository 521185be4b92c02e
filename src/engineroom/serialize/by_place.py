"""Memory-mapped files that travel by their place: an engine maps the file itself, if it is the same one there."""

from __future__ import annotations

import os
import sys
from hashlib import blake2b
from typing import Any, NamedTuple

from engineroom.errors import EngineroomError
from engineroom.serialize.loading import loaded

_ENDS = 64 << 10
"""Bytes at the beginning and at the end of a file that tell it from others."""


class WrongFile(EngineroomError):
    """The file that a value stands for is not on this machine, or is another one here."""


class Identity(NamedTuple):
    """What a file was when it was sent. `ends`: a hash of its first and last bytes; `modified`: in ns."""

    size: int
    modified: int
    ends: bytes


class Place(NamedTuple):
    """Which part of a file an array is. `strides`: in bytes; `offset`: of its first item."""

    path: str
    dtype: Any
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    identity: Identity


class ByPlace:
    """Stands for a memory-mapped array in the arguments of calls: engines map its file instead of getting its bytes."""

    def __init__(self, array: Any) -> None:
        self._array = array
        _place_of(array)  # what is wrong with it is said at once

    def __repr__(self) -> str:
        place = _place_of(self._array)
        return f"<ByPlace {place.path}: {place.dtype} {place.shape}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return mapped, tuple(_place_of(self._array))


def by_place(array: Any) -> Any:
    """Return a stand-in for `array`, a `numpy.memmap` or a view of one, that travels as the path of its file.

    Engines that get it in a call map the file themselves (mode "r"), so that its bytes are not sent. All machines must
    see the same file under the same path: an engine on which it is missing, or has another size, time or content, fails
    the task in words. TypeError: `array` is not memory-mapped. ValueError: its mode is not "r", or what it maps is not
    a file with a name, or is not what the file has now.
    """
    return ByPlace(array)


def _place_of(array: Any) -> Place:
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(array, numpy.ndarray):
        raise TypeError(f"by_place() takes a memory-mapped array (numpy.memmap), not {type(array).__name__}")
    whole = _memmap_of(numpy, array)
    if whole is None:
        raise TypeError("by_place() takes a memory-mapped array (numpy.memmap), and this array is in memory")
    if whole.mode != "r":
        raise ValueError(
            f"by_place() takes an array that was mapped with mode 'r', not {whole.mode!r}: engines see the file, "
            "and not what this process has changed. Flush it, and map it again"
        )
    if not isinstance(whole.filename, str | os.PathLike):
        raise ValueError("by_place() needs a file with a name; this one has none")  # noqa: TRY004 (the array is one)
    if array.dtype.hasobject:
        raise ValueError("by_place() takes plain data; Python objects cannot be mapped")
    path = os.path.abspath(os.fspath(whole.filename))
    # How far into the file the first item is: from where the mapping of all of it begins.
    offset = whole.offset + array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    place = Place(path, array.dtype, array.shape, array.strides, offset, identity_of(path))
    if _end_of(place) > place.identity.size:
        raise ValueError(f"{path} has been truncated: it has {place.identity.size:,} bytes, and this array needs more")
    return place


def _memmap_of(numpy: Any, array: Any) -> Any:
    """Return the array that maps the file of which `array` is, or None."""
    found = None
    while array is not None:
        if isinstance(array, numpy.memmap) and array._mmap is not None:
            found = array
        array = getattr(array, "base", None)
    return found


def identity_of(path: str) -> Identity:
    """Return what tells this file from others. WrongFile: it cannot be read."""
    try:
        with open(path, "rb") as file:
            facts = os.fstat(file.fileno())
            content = blake2b(file.read(_ENDS), digest_size=16)
            file.seek(max(0, facts.st_size - _ENDS))
            content.update(file.read(_ENDS))
    except OSError as error:
        raise WrongFile(
            f"{path}: {error.strerror or error}. A value that was sent by_place() is in this file"
        ) from None
    return Identity(facts.st_size, facts.st_mtime_ns, content.digest())


def _end_of(place: Place) -> int:
    """Return how many bytes the file must have."""
    if 0 in place.shape:
        return 0
    last = sum(max(0, (count - 1) * stride) for count, stride in zip(place.shape, place.strides, strict=True))
    return int(place.offset + last + place.dtype.itemsize)


def mapped(*facts: Any) -> Any:
    """Return the array that a ByPlace stands for. WrongFile: the file is not here, or not the same."""
    place = Place(*facts)
    wanted, found = Identity(*place.identity), identity_of(place.path)
    if found.size != wanted.size:
        raise WrongFile(
            f"{place.path} has {found.size:,} bytes here, and had {wanted.size:,} when it was sent by_place(): it was "
            "truncated or changed, or is another file on this machine"
        )
    if found != wanted:
        raise WrongFile(
            f"{place.path} is not the file that was sent by_place(): it has changed since, or is another one on this "
            "machine"
        )
    return _array(place)


def _array(place: Place) -> Any:
    numpy = loaded("numpy")
    if 0 in place.shape:
        return numpy.frombuffer(b"", place.dtype).reshape(place.shape)
    # From the lowest to the highest byte: a stride may be negative.
    pairs = list(zip(place.shape, place.strides, strict=True))
    first = place.offset + sum(min(0, (count - 1) * stride) for count, stride in pairs)
    raw = numpy.memmap(place.path, numpy.uint8, "r", first, (_end_of(place) - first,))
    found = numpy.ndarray(place.shape, place.dtype, raw, place.offset - first, place.strides)
    found.flags.writeable = False
    return found
