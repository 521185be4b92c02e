"""Several AsyncResults as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engineroom.client.results.async_result import AsyncResult, as_member
from engineroom.client.results.futures import FINISHED
from engineroom.client.waiting.waits import Deadline
from engineroom.errors import CompositeError


class JoinedResult(AsyncResult[list[Any]]):
    """The results of several AsyncResults of one client, one after the other."""

    __slots__ = ("_parts",)

    def __init__(self, parts: tuple[AsyncResult[Any], ...]) -> None:
        if not parts:
            raise ValueError("join() needs at least one AsyncResult")
        super().__init__(parts[0]._session, "join", count=len(parts), single=False)
        self._parts = parts
        self._tasks = [task for part in parts for task in part._tasks]
        for part in parts:
            part._when_done(self._part_done)

    def _iterate(self, timeout: float | None = None) -> Iterator[Any]:
        """Yield the results in order, each as soon as it is there; TimeoutError after `timeout` seconds from now."""
        deadline = Deadline(timeout)
        return (value for part in self._parts for value in _each(part, deadline))

    def __getitem__(self, key: Any) -> Any:
        """Return a result or a list of results (waiting for all), or what metadata have under a str."""
        return super().__getitem__(key) if isinstance(key, str) else self.get()[key]

    def cancel(self) -> bool:
        """Cancel all parts; True if that was in time for each."""
        return min([part.cancel() for part in self._parts])

    def _part_done(self) -> None:
        with self._session.condition:
            self._left -= 1
            if self._left == 0:
                self._failures = sum(part.cancelled() or part._failed() for part in self._parts)
                self._end(FINISHED)
            elif self._watchers:
                self._look()

    def _value(self) -> Any:
        if self._failures:
            raise self._composite()
        return [value for part in self._parts for value in _each(part, None)]

    def _error(self) -> BaseException | None:
        return self._composite() if self._failures else None

    def _composite(self) -> BaseException:
        errors = [error for part in self._parts if (error := _error_of(part)) is not None]
        return CompositeError(f"one or more exceptions raised in: {self._name}", [as_member(error) for error in errors])

    def _values_or_errors(self) -> Any:
        return [value for part in self._parts for value in _each(part, None, return_exceptions=True)]


AsyncResult._joined = JoinedResult


def _error_of(part: AsyncResult[Any]) -> BaseException | None:
    """Return the error of `part`, as far as it has ended."""
    if not part.done():
        return None
    try:
        return part.exception(0)
    except BaseException as error:  # noqa: BLE001 -- it was cancelled, which is no Exception in asyncio
        return error


def _each(part: AsyncResult[Any], deadline: Deadline | None, *, return_exceptions: bool = False) -> Iterator[Any]:
    """Yield the results of `part`: one of a single target."""
    left = None if deadline is None else deadline.left()
    if part._single:
        yield part.get(left, return_exceptions=return_exceptions)
    elif return_exceptions:
        yield from part.get(left, return_exceptions=True)
    else:
        yield from part._iterate(left)
