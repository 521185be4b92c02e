"""The ways to wait for an AsyncResult without reading it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, Future
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from engineroom.client.arguments.switches import checks_switches
from engineroom.client.showing.wanted import takes_output
from engineroom.client.waiting.waits import Looks, limit_of
from engineroom.errors.local import called_by_users

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.tasks import Task

Part = TypeVar("Part", bound="Future[Any]")
"""What stands for one task of several."""


@called_by_users("wait", "wait_interactive")
@checks_switches("wait")
class WaysToWait(Generic[Part]):
    """Waits for tasks to end, to be sent, to have said all, for people who look on."""

    __slots__ = ()

    if TYPE_CHECKING:
        _late: bool
        _session: Session
        _tasks: list[Task]
        _tracked: bool

        @property
        def progress(self) -> int: ...
        def __len__(self) -> int: ...
        def done(self) -> bool: ...
        def _has_failed(self) -> bool: ...
        def _with_output(self, *, values: bool = False) -> AbstractContextManager[None]: ...
        def _with_progress(self, progress: object) -> AbstractContextManager[None]: ...
        def _shown(self, interval: float, widget: object) -> Looks: ...
        def _result_of(self, task: Task) -> Part: ...
        def _wait(self, condition: Callable[[], object], timeout: float | None, looks: Looks | None = None) -> bool: ...

    @overload
    def wait(self, timeout: float | None = -1, return_when: None = None, *, progress: bool | None = None) -> bool: ...
    @overload
    def wait(
        self, timeout: float | None, return_when: str, *, progress: bool | None = None
    ) -> tuple[set[Part], set[Part]]: ...
    @overload
    def wait(
        self, timeout: float | None = -1, *, return_when: str, progress: bool | None = None
    ) -> tuple[set[Part], set[Part]]: ...
    def wait(
        self, timeout: float | None = -1, return_when: str | None = None, *, progress: bool | None = None
    ) -> bool | tuple[set[Part], set[Part]]:
        """Wait at most `timeout` seconds (negative or None: no limit); True if all tasks have ended.

        With `return_when` (FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED; others: ValueError): wait for that
        condition and return two sets of futures, done and not done, with one future per task. `progress`: show a
        progress bar on stderr (True), or never (False); None: as the call was made, or after 2 s if someone is likely
        to see it.
        """
        if self._session.shows > 1 and takes_output(self):  # of a map, its end is enough to say that there is some
            with self._with_output(values=True):
                return self.wait(timeout, return_when, progress=progress)
        limit, condition = limit_of(timeout), self.done if return_when is None else self._when(return_when)
        if progress is None:
            ended = self.done() or self._wait(condition, limit)
        else:
            with self._with_progress(progress):
                ended = self._wait(condition, limit)
        return ended if return_when is None else self._done_and_not()

    def _when(self, return_when: str) -> Callable[[], object]:
        conditions: dict[str, Callable[[], object]] = {
            ALL_COMPLETED: self.done,
            FIRST_COMPLETED: lambda: self.done() or any(task.outcome is not None for task in self._tasks),
            FIRST_EXCEPTION: lambda: self.done() or self._has_failed(),
        }
        if return_when not in conditions:
            raise ValueError(f"return_when must be one of {', '.join(conditions)}, not {return_when!r}")
        return conditions[return_when]

    def _done_and_not(self) -> tuple[set[Part], set[Part]]:
        with self._session.condition:
            parts = [self._result_of(task) for task in self._tasks]
        return {part for part in parts if part.done()}, {part for part in parts if not part.done()}

    @property
    def timedout(self) -> bool:
        """Whether a `get` or `wait` has run out of time, and the tasks have not ended since."""
        return self._late and not self.done()

    def ready(self) -> bool:
        """Whether all tasks have ended."""
        return self.done()

    @property
    def sent(self) -> bool:
        """True once it is safe to modify buffers sent with `track=True`; without, they were copied by the call."""
        return not self._tracked or self.done()

    def wait_for_send(self, timeout: float | None = -1) -> None:
        """Wait until `sent`; TimeoutError after `timeout` seconds (None or negative: no limit)."""
        if not self.sent and not self.wait(timeout):
            raise TimeoutError(f"buffers sent with track=True are still in use after {timeout:g} s")

    def wait_for_output(self, timeout: float | None = -1) -> bool:
        """Wait at most `timeout` seconds for all output of the tasks; True if all of it has arrived."""
        return self.wait(timeout)  # the end of a task comes after all that it printed

    @overload
    def wait_interactive(
        self, interval: float = 0.1, timeout: float | None = -1, widget: object = None, return_when: None = None
    ) -> bool: ...
    @overload
    def wait_interactive(
        self, interval: float = 0.1, timeout: float | None = -1, widget: object = None, *, return_when: str
    ) -> tuple[set[Part], set[Part]]: ...
    def wait_interactive(
        self,
        interval: float = 0.1,
        timeout: float | None = -1,
        widget: object = None,
        return_when: str | None = None,
    ) -> bool | tuple[set[Part], set[Part]]:
        """Wait like `wait`, and show the progress from the start: a bar on a terminal and in a notebook, else lines.

        `interval`: seconds between updates. `timeout` (in seconds), `return_when`: see `wait`. `widget`: as in a
        notebook (True) or as text (False); None: as fits.
        """
        condition = self.done if return_when is None else self._when(return_when)
        ended = self._wait(condition, limit_of(timeout), self._shown(interval, widget))
        return ended if return_when is None else self._done_and_not()
