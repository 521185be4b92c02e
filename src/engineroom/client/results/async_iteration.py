"""`async for` over results: each as soon as it is there, without stopping the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from engineroom.errors import EngineroomError
from engineroom.errors.local import is_for_users, show_users_frames


class Waiting(Protocol):
    """What a step waits for."""

    def cancel(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def _until(self, condition: Callable[[], object]) -> Generator[Any, None, None]: ...


class Step(NamedTuple):
    """One wait of an iteration: once `ready()` is true, which `of` is asked for, `values()` returns results."""

    of: Waiting
    ready: Callable[[], object]
    values: Callable[[], Iterable[Any]]


class Stepwise(Protocol):
    """Results that come in steps."""

    def cancel(self) -> bool: ...
    def _steps(self) -> Iterator[Step]: ...


class Until:
    """An awaitable that ends once `condition()` is true, or all tasks of `result` have ended."""

    __slots__ = ("_condition", "_result")

    def __init__(self, result: Waiting, condition: Callable[[], object]) -> None:
        self._result, self._condition = result, condition

    def __await__(self) -> Generator[Any, None, None]:
        return self._result._until(self._condition)


async def each(result: Stepwise) -> AsyncIterator[Any]:
    """Yield the results one by one. A coroutine that is cancelled while it waits withdraws all of `result`."""
    try:
        for step in result._steps():
            await _until_ready(step, result)
            for value in step.values():
                yield value
    except BaseException as error:
        if is_for_users(error):
            show_users_frames(error)
        raise


async def _until_ready(step: Step, result: Stepwise) -> None:
    if not step.ready():
        try:
            await Until(step.of, step.ready)
        except asyncio.CancelledError:
            with contextlib.suppress(EngineroomError):  # the session has ended: there is nothing to withdraw
                result.cancel()
            raise
    if step.of.cancelled():
        raise asyncio.CancelledError
