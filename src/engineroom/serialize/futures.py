"""Futures in what is packed: on their way references to results of other tasks, on an engine these results.

A pack costs nothing more for it: a future that is pickled notes itself here, and whoever submits looks whether any has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pickle import PickleBuffer
from threading import get_ident
from typing import Any, Protocol

from engineroom.protocol.messages import INLINE_LIMIT
from engineroom.serialize.frames import Buffer
from engineroom.serialize.payloads import unpack, unpickled

Given = bytes | Callable[[], Buffer]
"""A packed result, or what returns it in memory of the caller's own."""


class Noted(Protocol):
    """A future that was pickled: what it needs of whoever submits the call."""

    def let_go(self) -> None:
        """Do not be an argument after all."""


noted: dict[int, list[Any]] = {}
"""By thread: the futures that were pickled and belong to no call yet."""


def note(future: Noted) -> None:
    """Have `future` belong to the next call that this thread submits, if its payload names it."""
    noted.setdefault(get_ident(), []).append(future)


def take_noted() -> list[Any]:
    """Return the futures that this thread has pickled since it was asked last."""
    return noted.pop(get_ident(), [])


whole: set[int] = set()
"""The threads in which results that are here are packed by their bytes, though they could be named."""


@contextmanager
def by_bytes() -> Iterator[None]:
    """Have what is packed in a `with` block name no result that is here, for calls that are kept."""
    whole.add(get_ident())
    try:
        yield
    finally:
        whole.discard(get_ident())


class _Here:
    """The results that the payload which is being unpacked may name; None: no payload is."""

    results: Mapping[bytes, Given | None] | None = None


@contextmanager
def given(results: Mapping[bytes, Given | None]) -> Iterator[None]:
    """Let what is unpacked in a `with` block have these results, by task."""
    before, _Here.results = _Here.results, results
    try:
        yield
    finally:
        _Here.results = before


def names_results(packed: bytes | bytearray | memoryview) -> bool:
    """Whether a packed call takes results of other tasks by their names, which only these tasks' session can resolve.

    (Nearly: whether it has the names by which a pickle does so.)
    """
    raw = bytes(packed)
    return all(name.encode() in raw for name in (result_of.__module__, result_of.__qualname__))


def result_of(task: bytes) -> Any:
    """Return the result of a task, unpacked anew: whoever changes it changes it for nobody else."""
    packed = None if _Here.results is None else _Here.results.get(task)
    if packed is None:
        raise RuntimeError("a future stands here whose result can only be had by the task that takes it as an argument")
    return unpack(packed if isinstance(packed, bytes) else packed())


def in_a_pickle(packed: Buffer) -> bytes | PickleBuffer:
    """Return what stands for `packed`, a packed value, in another pickle: a long one stays where it is."""
    return bytes(packed) if len(packed) <= INLINE_LIMIT else PickleBuffer(packed)


class AsPacked:
    """A value that is packed already, and is not unpacked on the way."""

    __slots__ = ("_packed",)

    def __init__(self, packed: Buffer) -> None:
        self._packed = packed

    def __reduce__(self) -> tuple[Any, ...]:
        return unpickled, (in_a_pickle(self._packed),)


def itself(value: Any) -> Any:
    """Return `value`."""
    return value


def listed(*results: Any) -> list[Any]:
    """Return the result for a list of targets."""
    return list(results)


def chained(*chunks: Sequence[Any]) -> list[Any]:
    """Return the result of a map, made of those of its chunks."""
    return [item for chunk in chunks for item in chunk]


def one_item(number: int, chunk: Sequence[Any]) -> list[Any]:
    """Return the result of an item of a map, in a list of one."""
    return [chunk[number]]
