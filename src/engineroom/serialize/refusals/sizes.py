"""What is said of a value that there is no memory to copy: its size, and what to do instead."""

from __future__ import annotations

from collections.abc import Sequence
from pickle import PickleBuffer
from typing import Any

from engineroom.errors import TooLargeToSend
from engineroom.serialize.functions.interactive import home

_INSTEAD = (
    "Send it in parts, or only what is needed of it; of a file that all machines see, send its path, or "
    "`engineroom.by_place(array)`."
)


def cannot_be_sent(what: str) -> str:
    """Return the begin of a sentence about a value; `what` names it."""
    return f"{what} cannot be sent to {'an engine' if home.namespace is None else 'the client'}"


def no_memory_for(subject: str, size: int) -> str:
    """Return the rest of it: `subject` has so many bytes; 0: that is not known."""
    how_large = f"{subject} has {size:,} bytes, and" if size else f"{subject} is so large that"
    return f"{how_large} this process has no memory for a copy. {_INSTEAD}"


def too_large(what: str, size: int, subject: str = "it") -> TooLargeToSend:
    """Return the error about a value of `size` bytes; `what` names it."""
    return TooLargeToSend(f"{cannot_be_sent(what)}: {no_memory_for(subject, size)}")


def size_of(value: Any, depth: int = 3) -> int:
    """Return the bytes that `value`, or what is in it, says it has; 0 if it does not."""
    if isinstance(value, list | tuple | dict):
        items = value.values() if isinstance(value, dict) else value
        return sum(size_of(item, depth - 1) for item in items) if depth else 0
    try:
        return int(len(value) if isinstance(value, bytes | bytearray | str) else value.nbytes)
    except Exception:  # noqa: BLE001 -- the user's own attributes
        return 0


def bytes_in(buffers: Sequence[PickleBuffer]) -> int:
    return sum(memoryview(buffer).nbytes for buffer in buffers)
