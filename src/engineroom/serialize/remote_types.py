"""Exceptions that are remote errors and of the real type at once."""

from __future__ import annotations

import types
from functools import lru_cache
from typing import Any

from engineroom.errors import ErrorWords, RemoteError
from engineroom.serialize.exceptions import members_of, revive


def remote_error(
    words: ErrorWords, original: BaseException | None, item: tuple[int, str] | None = None
) -> RemoteError:
    """Return a RemoteError, also of the type of `original` where the two can be combined."""
    error = RemoteError(*words)
    if isinstance(original, Exception):
        try:
            combined = _combined_type(type(original))  # type: ignore[arg-type]  # classes are hashable
            error = revive(combined, original.args, members_of(original), original.__dict__)  # type: ignore[assignment]
        except Exception:  # noqa: BLE001 -- a class may do anything when it is sub-classed or made
            pass
    error.describe(words, original)
    return error if item is None else error.of_item(*item)


@lru_cache(maxsize=256)
def _combined_type(kind: type[Exception]) -> type[RemoteError]:
    if issubclass(kind, RemoteError | StopIteration | StopAsyncIteration):
        raise TypeError(f"{kind} stays what it is")
    name = f"RemoteError[{kind.__qualname__}]"
    body = {"__module__": RemoteError.__module__, "__qualname__": name, "__reduce__": _reduce}
    return types.new_class(name, (RemoteError, kind), exec_body=lambda namespace: namespace.update(body))


def _reduce(self: RemoteError) -> tuple[Any, ...]:
    words = (self.ename, self.evalue, self.traceback, self.engine_info)
    return remote_error, (words, self.original, self.item)
