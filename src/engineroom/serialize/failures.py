"""Exceptions on their way from an engine to a client."""

from __future__ import annotations

import traceback
from types import TracebackType

from engineroom.errors import ErrorWords, PackError, RemoteError, remote_error
from engineroom.errors.parts import Parts
from engineroom.ids import engine_uuid
from engineroom.serialize.frames import Body, Buffer
from engineroom.serialize.payloads import pack, pickled, unpickled

_SUMMARY = 1000
"""Longest summary, in characters."""


def pack_failure(exception: BaseException, *, engine_id: int, instance: bytes, method: str) -> tuple[str, Body]:
    """Return "Name: text" and the packed failure; an exception that can't be pickled travels as words.

    `method`: what the engine did ("apply", "execute", ...).
    """
    name = type(exception).__name__
    text = _text(exception)
    info = {"engine_id": engine_id, "engine_uuid": engine_uuid(instance), "method": method}
    words = (name, text, _traceback_text(exception), info)
    try:
        packed = pickled(Parts(exception))
    except PackError:
        packed = None
    return f"{name}: {text}"[:_SUMMARY], pack((words, packed))


def unpack_failure(packed: Buffer) -> RemoteError:
    """Return the remote error, also of the exception's real type where that is possible."""
    words: ErrorWords
    words, exception = unpickled(packed)
    return remote_error(words, None if exception is None else _unpickled(exception))


def _unpickled(packed: bytes) -> BaseException | None:
    try:
        exception = unpickled(packed)
    except Exception:  # noqa: BLE001 -- the class is not here, or its own ways fail: the words remain
        return None
    return exception if isinstance(exception, BaseException) else None


def _text(exception: BaseException) -> str:
    try:
        return str(exception)
    except Exception:  # noqa: BLE001 -- the user's code
        return f"<{type(exception).__name__} that can't be printed>"


def _traceback_text(exception: BaseException) -> str:
    """Return what Python would print, from the user's first frame on, with causes and notes."""
    trace = exception.__traceback__
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    try:
        return "".join(traceback.format_exception(type(exception), exception, trace)).rstrip("\n")
    except Exception:  # noqa: BLE001 -- the user's __str__, __repr__ or attributes
        return "".join([*traceback.format_tb(trace), f"{type(exception).__name__}: {_text(exception)}"])


def _is_ours(trace: TracebackType) -> bool:
    return str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == "engineroom"
