"""Exceptions on their way from an engine to a client."""

from __future__ import annotations

from collections.abc import Callable
from pickle import dumps
from typing import Any

from engineroom.errors import ErrorWords, RemoteError, remote_error
from engineroom.errors.local import show_users_frames
from engineroom.errors.parts import Parts, contents_of, furnish, made, members_of
from engineroom.ids import engine_uuid
from engineroom.protocol.messages import INLINE_LIMIT
from engineroom.protocol.texts import brief
from engineroom.serialize.failures.tracebacks import bounded, message_of, printable, traceback_text, with_cell_names
from engineroom.serialize.frames import Buffer, Packed, lay_out
from engineroom.serialize.payloads import pickled, unpickled

_SUMMARY = 1000
"""Longest summary, in bytes."""

_SHOWN = 1000
"""Longest repr of what can't travel, in characters."""

_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
_DEPTH = 20


def pack_failure(exception: BaseException, *, engine_id: int, instance: bytes, method: str) -> tuple[str, Packed]:
    """Return "Name: text" and the packed failure.

    Attributes that can't be pickled stay behind, and arguments travel as their repr; an exception whose class can't
    be pickled travels as words. `method`: what the engine did ("apply", "execute", ...).
    """
    name, text, traceback = words_of(exception)
    info = {"engine_id": engine_id, "engine_uuid": engine_uuid(instance), "method": method}
    words = (name, text, traceback, info)
    if isinstance(exception, RemoteError) and exception.original is not None:
        exception = exception.original  # of a task that was submitted by a task: the words tell what led here
    pickle = dumps((words, _packed(exception)), 5)
    summary = brief(f"{name}: {text}", _SUMMARY)
    return summary, pickle if len(pickle) <= INLINE_LIMIT else lay_out(pickle, [], copy=False)


def words_of(exception: BaseException) -> tuple[str, str, str]:
    """Return its name, its text, and the traceback as people see it, without frames that are not the user's."""
    show_users_frames(exception)
    if isinstance(exception, SyntaxError) and isinstance(exception.filename, str):
        exception.filename = with_cell_names(exception.filename)
    return *_name_and_text(exception), traceback_text(exception)


def unpack_failure(packed: Buffer) -> RemoteError:
    """Return the remote error, also of the exception's real type where that is possible."""
    words: ErrorWords
    words, exception = unpickled(packed)
    original = None if exception is None else _unpickled(exception)
    if isinstance(getattr(original, "unpacking", None), str):
        from engineroom.serialize.failures.unpacking import with_ours  # only needed now

        words = (words[0], with_ours(words[1], original), *words[2:])
    return remote_error(words, original)


def _name_and_text(exception: BaseException) -> tuple[str, str]:
    if isinstance(exception, RemoteError):  # of a task that was submitted by a task
        return exception.ename, exception.evalue
    return printable(type(exception).__name__), message_of(exception)


def _packed(exception: BaseException) -> bytes | None:
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: _plainly(exception),
        lambda: _by_value(exception),
        lambda: _by_value(_thinned(exception, _DEPTH)),
    )
    for way in ways:
        try:
            return way()
        except Exception:  # noqa: BLE001 -- any object may refuse in its own way
            continue
    return None


def _plainly(exception: BaseException) -> bytes:
    """Return a pickle of an exception that has nothing but a few plain arguments; most are such, and it is quick."""
    if exception.__dict__ or exception.__context__ is not None or exception.__cause__ is not None:
        raise ValueError("it has more")
    pickle = dumps(Parts(exception), 5)
    if b"__main__" in pickle or not all(type(argument) in _ATOMS for argument in exception.args):
        raise ValueError("plain pickle may not be enough")
    return pickle


def _by_value(exception: BaseException) -> bytes:
    from engineroom.serialize.by_value import pickler  # with cloudpickle, which takes 10 ms; many never need it

    return pickler.dumps(exception)


def _unpickled(packed: bytes) -> BaseException | None:
    try:
        exception = unpickled(packed)
    except Exception:  # noqa: BLE001 -- the class is not here, or its own ways fail: the words remain
        return None
    return exception if isinstance(exception, BaseException) else None


def _thinned(exception: BaseException, depth: int) -> BaseException:
    """Return a copy without the attributes that can't travel, and with the repr of such arguments."""
    args, *contents = (
        tuple(_sendable(argument, depth) for argument in given) for given in (exception.args, *contents_of(exception))
    )
    copy = made(type(exception), args, *contents)
    members, own = (_travelling(found) for found in (members_of(exception), exception.__dict__))
    furnish(copy, (members, own, None))
    return copy


def _travelling(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if _travels(value)}


def _sendable(value: Any, depth: int) -> Any:
    if _travels(value):
        return value
    if depth and isinstance(value, BaseException):
        return _thinned(value, depth - 1)
    if depth and isinstance(value, list | tuple):
        return [_sendable(item, depth - 1) for item in value]  # as of the members of a group
    return bounded(printable(repr(value)), _SHOWN)


def _travels(value: Any) -> bool:
    try:
        pickled(value)
    except Exception:  # noqa: BLE001 -- any object may refuse in its own way
        return False
    return True
