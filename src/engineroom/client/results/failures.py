"""The one error of several tasks."""

from __future__ import annotations

from collections.abc import Sequence

from engineroom.errors import CompositeError, EngineroomError, NoEnginesRegistered, RemoteError, remote_error


def composite(name: str, errors: Sequence[BaseException]) -> CompositeError:
    """Return the CompositeError of what tasks of the call `name` raised."""
    return CompositeError(f"one or more exceptions raised in: {name}", [_as_member(error) for error in errors])


def joined_error(name: str, errors: Sequence[BaseException], failure: EngineroomError | None) -> BaseException:
    """Return one error for what tasks of the call `name` raised, or were ended by; `failure`: what ended the session.

    A CompositeError, unless no engine raised it: the way to all of them is gone, or no engine was left.
    """
    if failure is not None and any(error is failure for error in errors):
        return failure
    if (nobody := next((error for error in errors if isinstance(error, NoEnginesRegistered)), None)) is not None:
        others = (error for error in errors if not isinstance(error, NoEnginesRegistered))
        whole = NoEnginesRegistered(*nobody.args)
        whole.__cause__ = next(others, None)  # what ended the last engine, perhaps
        return whole
    return composite(name, errors)


def _as_member(error: BaseException) -> RemoteError:
    """Return `error` as a member of a CompositeError; that of a lost engine was raised nowhere."""
    if isinstance(error, RemoteError):
        return error
    return remote_error((type(error).__name__, str(error), "", {}), error)
