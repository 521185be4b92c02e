"""Exceptions that are remote errors and of the real type at once."""

from __future__ import annotations

import contextlib
import types
from functools import lru_cache
from typing import Any

from engineroom.errors.base import ErrorWords, Item
from engineroom.errors.parts import Parts, contents_of, furnish, made, members_of
from engineroom.errors.remote import RemoteError


def remote_error(words: ErrorWords, original: BaseException | Parts | None, item: Item | None = None) -> RemoteError:
    """Return a RemoteError, also of the type of `original` where the two can be combined."""
    if isinstance(original, Parts):
        original = original.exception  # as `copy.copy` hands it on
    error: RemoteError | None = None
    if isinstance(original, Exception):
        kind: Any = type(original)
        with contextlib.suppress(Exception):  # a class may do anything when it is sub-classed or made
            error = alike(original, combined_type(RemoteError, kind))
    if error is None:
        error = RemoteError(*words)
    error.describe(words, original)
    return error if item is None else error.of_item(*item)


def alike(original: Exception, kind: type[RemoteError]) -> RemoteError:
    """Return an instance of `kind`, a type combined with that of `original`, with the same arguments and attributes."""
    error = made(kind, original.args, *contents_of(original))
    furnish(error, (members_of(original), original.__dict__, None))
    assert isinstance(error, RemoteError)
    return error


@lru_cache(maxsize=256)
def combined_type(ours: type[RemoteError], kind: type[Exception]) -> type[RemoteError]:
    """Return a class that is both; TypeError and whatever `kind` says if there can be none."""
    if issubclass(kind, RemoteError):
        return kind  # it was raised by a task, in a task
    if issubclass(kind, StopIteration | StopAsyncIteration):
        raise TypeError(f"{kind} cannot be combined with another class")
    name = f"{ours.__qualname__}[{kind.__qualname__}]"
    body = {"__module__": ours.__module__, "__qualname__": name}
    return types.new_class(name, (ours, kind), exec_body=lambda namespace: namespace.update(body))
