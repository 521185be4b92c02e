"""Several AsyncResults as one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, Protocol

from engineroom.client.progress.standing import Counts
from engineroom.client.results.async_iteration import Step
from engineroom.client.results.failures import composite
from engineroom.client.state.future_states import FINISHED
from engineroom.client.waiting.waits import Deadline

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session


class Part(Protocol):
    """What a joined result needs of an AsyncResult that is part of it."""

    @property
    def _single(self) -> bool: ...
    @property
    def progress(self) -> int: ...
    def __len__(self) -> int: ...
    def done(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def cancel(self, *, force: bool = False) -> bool: ...
    def _error(self) -> BaseException | None: ...
    def get(self, timeout: float | None = None, return_exceptions: bool | None = None) -> Any: ...  # noqa: FBT001
    def _failed(self) -> bool: ...
    def _iterate(self, timeout: float | None = None) -> Iterator[Any]: ...
    def _until(self, condition: Callable[[], object]) -> Generator[Any, None, None]: ...
    def _steps(self) -> Iterator[Step]: ...
    def _counts(self) -> Counts: ...


class Joining:
    """What an AsyncResult does that consists of others, `_parts`: it has their results, one after the other."""

    if not TYPE_CHECKING:
        __slots__ = ()
    else:
        _parts: Sequence[Part]
        _session: Session
        _name: str
        _left: int
        _failures: int
        _watchers: list[Callable[[], object]] | None

        def _look(self) -> None: ...

        _shown_while_read: Callable[[Iterator[Any]], Iterator[Any]]

        def _end(self, state: str) -> None: ...

    def cancel(self, *, force: bool = False) -> bool:
        """Cancel all parts; True if that was in time for each. `force`: see `AsyncResult.cancel`."""
        return min([part.cancel(force=force) for part in self._parts])

    def _iterate(self, timeout: float | None = None) -> Iterator[Any]:
        """Yield the results in order, each as soon as it is there; TimeoutError after `timeout` seconds from now."""
        deadline = Deadline(timeout)
        return self._shown_while_read(value for part in self._parts for value in _each(part, deadline))

    def _counts(self) -> Counts:
        parts = [part._counts() for part in self._parts]
        units, names = {part.unit for part in parts}, {part.name for part in parts}
        return Counts(
            sum(part.done for part in parts),
            sum(part.total for part in parts),
            units.pop() if len(units) == 1 else "results",
            names.pop() if len(names) == 1 else self._name,
            sum(part.failed for part in parts),
            min(part.since for part in parts),
        )

    def _steps(self) -> Iterator[Step]:
        for part in self._parts:
            if part._single:
                yield Step(part, part.done, lambda: [part.get(0)])  # noqa: B023 (called before the next)
            else:
                yield from part._steps()

    def _part_done(self) -> None:
        with self._session.condition:
            self._left -= 1
            if self._left == 0:
                self._failures = sum(part.cancelled() or part._failed() for part in self._parts)
                self._end(FINISHED)
            elif self._watchers:
                self._look()

    def _task_of_part_done(self) -> None:
        """A task of one of the parts has ended. The session's condition is held."""
        if self._watchers:
            self._look()

    def _has_failed(self) -> bool:
        return any(part.cancelled() or part._failed() for part in self._parts)

    def _value(self) -> Any:
        if self._failures:
            raise self._composite()
        return [value for part in self._parts for value in _each(part, None)]

    def _error(self) -> BaseException | None:
        return self._composite() if self._failures else None

    def _composite(self) -> BaseException:
        return composite(self._name, [error for part in self._parts if (error := _error_of(part)) is not None])

    def _values_or_errors(self) -> Any:
        return [value for part in self._parts for value in _each(part, None, return_exceptions=True)]


def _error_of(part: Part) -> BaseException | None:
    """Return the error of `part`, as far as it has ended."""
    if not part.done():
        return None
    return CancelledError() if part.cancelled() else part._error()


def _each(part: Part, deadline: Deadline | None, *, return_exceptions: bool = False) -> Iterator[Any]:
    """Yield the results of `part`: one of a single target."""
    left = None if deadline is None else deadline.left()
    if part._single:
        yield part.get(left, return_exceptions=return_exceptions)
    elif return_exceptions:
        yield from part.get(left, return_exceptions=True)
    else:
        yield from part._iterate(left)
