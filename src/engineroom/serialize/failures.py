"""Exceptions on their way from an engine to a client."""

from __future__ import annotations

from engineroom.errors import ErrorWords, PackError, RemoteError, remote_error
from engineroom.errors.local import show_users_frames
from engineroom.errors.parts import Parts
from engineroom.ids import engine_uuid
from engineroom.serialize.frames import Body, Buffer
from engineroom.serialize.payloads import pack, pickled, unpickled
from engineroom.serialize.tracebacks import message_of, traceback_text

_SUMMARY = 1000
"""Longest summary, in characters."""


def pack_failure(exception: BaseException, *, engine_id: int, instance: bytes, method: str) -> tuple[str, Body]:
    """Return "Name: text" and the packed failure; an exception that can't be pickled travels as words.

    `method`: what the engine did ("apply", "execute", ...).
    """
    show_users_frames(exception)
    name, text = type(exception).__name__, message_of(exception)
    info = {"engine_id": engine_id, "engine_uuid": engine_uuid(instance), "method": method}
    words = (name, text, traceback_text(exception), info)
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
