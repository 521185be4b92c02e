"""AsyncResult: what a view returns at once, and later holds the results."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, CancelledError
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, overload

from engineroom.client.arguments.switches import checks_switches, switch
from engineroom.client.kinds import Item, T
from engineroom.client.progress.standing import Counts
from engineroom.client.results.async_iteration import Step, each
from engineroom.client.results.facts import Facts
from engineroom.client.results.failures import joined_error
from engineroom.client.results.futures import LeanFuture
from engineroom.client.results.joined import Joining
from engineroom.client.results.metadata import KEYS, Metadata, metadata_of
from engineroom.client.results.pictured import Pictured
from engineroom.client.results.ways_to_wait import WaysToWait
from engineroom.client.showing.wanted import takes_output
from engineroom.client.state.future_states import CANCELLED, FINISHED, PENDING, RUNNING
from engineroom.client.waiting.waits import NEVER, Deadline, limit_of
from engineroom.errors.local import called_by_users, is_for_users, show_users_frames
from engineroom.errors.own_methods import owns_methods
from engineroom.protocol.messages import Status
from engineroom.serialize.futures import chained, itself, listed
from engineroom.serialize.loading import loaded

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.tasks import Task

_NO_TASKS: list[Task] = []
UNKNOWN = object()
"""Stands for a result that has not been joined yet."""


@owns_methods
@called_by_users("r", "result", "get_dict", "__getitem__", "_in_order", "_with_output_of_each")
@checks_switches("get")
class AsyncResult(Facts, Pictured, LeanFuture[T], WaysToWait["AsyncResult[Any]"]):
    """A Future for one call (single target) or for several calls (list of targets).

    Metadata are available as attributes (`ar.stdout`) and as items (`ar["stdout"]`): one value for a single target, a
    list for a list of targets.
    """

    _code: str | None = None
    _plain = True
    _is_map = False
    _output_kept: Any = None
    _output_seen = False
    """Whether what the tasks wrote has been shown, or is of no interest: see `showing.at_waits`."""
    _tracked = False
    _raised: BaseException | None = None
    __slots__ = ("_failures", "_known", "_label", "_left", "_name", "_return_exceptions", "_single", "_tasks")

    def __init__(
        self,
        session: Session,
        name: str,
        *,
        count: int = 1,
        single: bool = True,
        return_exceptions: bool = False,
        label: str = "",
    ) -> None:
        """`name`: what was called, for people; `count`: how many tasks there will be."""
        super().__init__(session)
        self._name, self._left, self._single = name, count, single
        self._return_exceptions, self._label = return_exceptions, label
        self._failures = 0
        self._tasks = _NO_TASKS
        self._known: Any = UNKNOWN
        if count == 0:
            self._state = FINISHED

    def _attach(self, tasks: list[Task]) -> None:
        """Take these tasks as the next of ours; called by the session as they are submitted."""
        if self._tasks is _NO_TASKS:
            self._tasks = tasks
        else:
            self._tasks.extend(tasks)

    def _task_started(self, task: Task) -> None:
        """One of our tasks runs; called by the session."""
        del task
        if self._state is PENDING:
            self._state = RUNNING

    def _task_done(self, task: Task) -> None:
        """One of our tasks has ended; called by the session."""
        self._left -= 1
        if task.outcome is not None and task.outcome.status != Status.OK:
            self._failures += 1
        if self.done():
            return
        if self._left == 0:
            self._end(FINISHED)
        elif self._watchers:
            self._look()

    @overload
    def get(
        self,
        timeout: float | None = None,
        return_exceptions: Literal[False] | None = None,
        return_when: str | None = None,
        *,
        progress: bool | None = None,
    ) -> T: ...
    @overload
    def get(
        self,
        timeout: float | None = None,
        return_exceptions: bool | None = None,
        return_when: str | None = None,
        *,
        progress: bool | None = None,
    ) -> Any: ...
    def get(
        self,
        timeout: float | None = None,
        return_exceptions: bool | None = None,
        return_when: str | None = None,
        *,
        progress: bool | None = None,
    ) -> Any:
        """Return the result or the list of results; raise the error if the call raised.

        `timeout`: seconds to wait before raising TimeoutError; None or negative: no limit. `return_exceptions`: return
        errors in place of results instead of raising. `return_when=FIRST_EXCEPTION`: raise the first error at once;
        FIRST_COMPLETED: ValueError. `progress`: see `wait`.

        A single call raises its own error, a RemoteError; several a CompositeError.
        EngineError: the engine was lost. TaskAborted, CancelledError: it was cancelled.
        """
        try:
            if progress is not None:
                with self._with_progress(progress):
                    return self.get(timeout, return_exceptions, return_when)
            if (shows := self._session.shows) and (shows > 1 or self._is_map) and takes_output(self):
                with self._with_output():
                    return self.get(timeout, return_exceptions, return_when)
            limit = limit_of(timeout)
            if return_when is not None:
                self._raise_when(return_when, limit)
            if self._return_exceptions if return_exceptions is None else switch("return_exceptions", return_exceptions):
                if not self.done():
                    self._wait_for_value(limit)
                return self._values_or_errors()
            return LeanFuture.result(self, limit)
        except BaseException as error:
            if is_for_users(error):
                show_users_frames(error)
            raise

    def _with_output(self, *, values: bool = False) -> AbstractContextManager[None]:
        """Return a context in which waits show what the tasks write; all of it has been shown at its end.

        `values`: the values of cells as well, which are not the results that are about to be returned.
        """
        from engineroom.client.showing.at_waits import output_shown  # few show outputs

        return output_shown(self, values=values)

    def _shown_while_read(self, values: Iterator[Any]) -> Iterator[Any]:
        values = super()._shown_while_read(values)
        return self._with_output_of_each(values) if self._session.shows and takes_output(self) else values

    def _with_output_of_each(self, values: Iterator[Any]) -> Iterator[Any]:
        with self._with_output():
            yield from values

    def _raise_when(self, return_when: str, limit: float | None) -> None:
        condition = self._when(return_when)
        if return_when == FIRST_COMPLETED:
            raise ValueError("get() returns all results; to get the first one, iterate, or use wait(return_when=...)")
        self._wait(condition, limit)
        if return_when == FIRST_EXCEPTION and self._has_failed() and not self.done():
            raise self._composite()

    def result(self, timeout: float | None = None) -> T:
        """Return the result or raise the error; wait at most `timeout` seconds (None: no limit), then TimeoutError.

        A call that was made with `return_exceptions=True` has its errors among its results.
        """
        if self._return_exceptions:
            return self.get(timeout)
        if (shows := self._session.shows) and (shows > 1 or self._is_map) and takes_output(self):
            with self._with_output():
                return super().result(timeout)
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the error that `result` would raise; None if there is none. Waits at most `timeout` seconds.

        None: no limit. TimeoutError: it has not ended. CancelledError: it was cancelled.
        """
        error = super().exception(timeout)
        return None if self._return_exceptions else error

    @property
    def r(self) -> T:
        """The result; waits for it, like `get()`."""
        return self.get()

    def successful(self) -> bool:
        """True if no call raised. RuntimeError: not all tasks have ended."""
        if not self.done():
            raise RuntimeError("successful() is not available until all tasks have ended: wait for them with ar.wait()")
        return not self.cancelled() and not self._failed()

    def display_outputs(self, groupby: str = "type", result_only: bool = False, fold: bool = True) -> None:
        """Wait, then show what the tasks printed and displayed and, for `execute`, the values of the cells.

        `groupby`: "type": all stdout first, then stderr, displays and values; "engine": engine by engine; "order": in
        the order in which the tasks wrote it, the first output of each task first. `result_only`: show only the values.
        `fold`: show what is identical on several engines once, labelled with all of them.
        """
        from engineroom.client.showing.afterwards import check_groupby, show_outputs  # few look at outputs

        check_groupby(groupby)
        self._output_seen = True
        self.wait()
        show_outputs(self._tasks, groupby, result_only=result_only, fold=fold, distinct=self._session.distinct)

    def stream_output(self, fold: bool = True) -> AbstractContextManager[None]:
        """Return a context in which what the tasks print and display is shown while they run.

        Write `with ar.stream_output(): ar.wait()`. What they wrote before comes first; what has arrived when the
        block ends is shown, too. `fold`: see `display_outputs`.
        """
        from engineroom.client.showing.streaming import streamed  # as above

        self._output_seen = True
        return streamed(self._session, self._tasks, fold=fold)

    def abort(self, *, force: bool = False) -> None:
        """Cancel the calls that have not started (they raise TaskAborted), and interrupt those that are running.

        `force`: restart the engines of calls that do not end then; see `cancel`.
        """
        self._session.abort(self._tasks, interrupt=True, force=force)

    def _cancel_unstarted(self) -> None:
        """Withdraw what has not started, and leave alone what runs: what `Executor.shutdown` asks for."""
        with self._session.condition:
            if self._state is PENDING and not any(task.started for task in self._tasks):
                self._end(CANCELLED)
            if not self._session.closed:
                self._session.abort(self._tasks)

    def _awaited(self) -> Sequence[Task]:
        return self._tasks

    def _counts(self) -> Counts:
        tasks = self._tasks
        since = tasks[0].submitted if tasks else 0.0
        return Counts(len(tasks) - self._left, len(tasks), name=self._name, failed=self._failures, since=since)

    def _unfinished(self) -> list[Task]:
        """Return the tasks whose end is not known yet."""
        return [task for task in self._tasks if task.outcome is None]

    @property
    def msg_ids(self) -> list[str]:
        """The ids of the tasks."""
        return [task.msg_id(self._session.id) for task in self._tasks]

    def get_dict(self, timeout: float | None = -1) -> dict[int, Any]:
        """Return the results by engine id; waits as `get` does, at most `timeout` seconds.

        ValueError: an engine ran several tasks.
        """
        results: Any = self.get(timeout)
        values: list[Any] = [results] if self._single else results
        found: dict[int, Any] = {}
        for task, value in zip(self._tasks, values, strict=True):
            if task.engine in found:
                raise ValueError(f"get_dict() needs one task per engine, but engine {task.engine} ran several")
            found[task.engine] = value
        return found

    @property
    def result_dict(self) -> dict[int, Any]:
        """The results by engine id: `get_dict()`."""
        return self.get_dict()

    @property
    def owner(self) -> bool:
        """Whether this client submitted the tasks. Always True."""
        return True

    @property
    def progress(self) -> int:
        """How many tasks have ended."""
        return sum(task.outcome is not None for task in self._tasks)

    def __len__(self) -> int:
        """How many tasks there are."""
        return len(self._tasks)

    def __iter__(self: AsyncResult[list[Item]]) -> Iterator[Item]:
        """Yield the results in order, each as soon as it arrives."""
        return self._iterate()

    def _iterate(self, timeout: float | None = None) -> Iterator[Any]:
        """Like iterating; TimeoutError if it takes more than `timeout` seconds from now on, all together."""
        self._check_several()
        return self._shown_while_read(self._in_order(Deadline(timeout)))

    def _check_several(self) -> None:
        if self._single:
            raise TypeError("this AsyncResult has a single result; use get()")

    def _in_order(self, deadline: Deadline) -> Iterator[Any]:
        for task in self._tasks:
            yield self._value_of(task, deadline)

    def __aiter__(self: AsyncResult[list[Item]]) -> AsyncIterator[Item]:
        """Yield the results like iterating, in an event loop. If that is cancelled, the tasks are withdrawn."""
        self._check_several()
        return each(self)

    def _steps(self) -> Iterator[Step]:
        """Return the waits of an iteration in an event loop."""
        for task in self._tasks:
            yield Step(self, lambda: task.outcome is not None or self.done(), lambda: [self._value_of(task)])  # noqa: B023 (called before the next)

    @overload
    def __getitem__(self: AsyncResult[list[Item]], key: SupportsIndex) -> Item: ...
    @overload
    def __getitem__(self: AsyncResult[list[Item]], key: slice) -> list[Item]: ...
    @overload
    def __getitem__(self, key: Any) -> Any: ...
    def __getitem__(self, key: Any) -> Any:
        """Return one result (index) or several (slice), waiting only for these, or the metadata of a name (str).

        `key`: of a single result, an index into it. KeyError: metadata have no such name. IndexError: no such result.
        """
        if isinstance(key, str):
            if key not in KEYS:
                raise KeyError(key)
            values = [metadata[key] for metadata in self._metadata()]
            return values[0] if self._single else values
        if self._single:
            whole: Any = self.get()
            return whole[key]
        if isinstance(key, slice):
            return [self._value_of(task) for task in self._tasks[key]]
        try:
            task = self._tasks[key]
        except IndexError:
            raise IndexError(f"there is no result {key}: this call has {len(self._tasks)}") from None
        return self._value_of(task)

    def split(self) -> tuple[AsyncResult[Any], ...]:
        """Return a tuple with one AsyncResult per task; for a single task, this AsyncResult itself."""
        with self._session.condition:
            return tuple(self._result_of(task) for task in self._tasks)

    @staticmethod
    def join(*results: AsyncResult[Any]) -> AsyncResult[list[Any]]:
        """Return one AsyncResult for the tasks of all `results`; its result is the list of all their results."""
        return JoinedResult(results)

    def _result_of(self, task: Task) -> AsyncResult[Any]:
        """Return an AsyncResult of this one task of ours. The session's condition is held."""
        return self if self._single else self._child(task)

    def _child(self, task: Task) -> AsyncResult[Any]:
        child: AsyncResult[Any] = AsyncResult(self._session, self._name, label=self._label)
        child._tasks = [task]

        def look() -> None:
            if task.outcome is not None and not child.done():
                child._task_done(task)
            elif self.cancelled():
                child.cancel()

        look()
        if not child.done():
            self._watch(look)
        return child

    def _metadata(self) -> list[Metadata]:
        return [metadata_of(task, self._session.id, self._label, self._code) for task in self._tasks]

    def __reduce__(self) -> tuple[Any, ...]:
        # Only calls with futures need it.
        reduced: tuple[Any, ...] = loaded("engineroom.client.state.as_arguments").reduce_result(self)
        return reduced

    def _as_argument(self) -> tuple[Any, ...]:
        """Return what is pickled in place of this: a function, and what it makes the result of on an engine."""
        parts = self._parts_as_arguments()
        return (itself, parts) if self._single else (listed, parts)

    def _parts_as_arguments(self) -> tuple[Any, ...]:
        from engineroom.client.state.as_arguments import Part

        return tuple(Part(self._session, task) for task in self._tasks)

    def _withdraw(self, *, force: bool) -> None:
        self.abort(force=force)

    def _failed(self) -> bool:
        return self._failures > 0

    _has_failed = _failed

    def _value(self) -> Any:
        if self._single:
            return self._tasks[0].value()
        if self._failures:
            raise self._composite()
        if self._known is UNKNOWN:
            self._known = self._join([task.value() for task in self._tasks])
        return self._known

    def _error(self) -> BaseException | None:
        if self._single:
            return self._tasks[0].exception()
        return self._composite() if self._failures else None

    def _values_or_errors(self) -> Any:
        found = [task.exception() or task.value() for task in self._tasks]
        return found[0] if self._single else self._join(found)

    def _join(self, values: list[Any]) -> Any:
        """Return the result for a list of targets, made of each task's; overridden by maps."""
        return values

    def _composite(self) -> BaseException:
        """Return one error for all that tasks have raised so far; once all have ended, always the same."""
        if self._raised is None or not self.done():
            self._raised = joined_error(self._name, self._errors(), self._session.failure)
        return self._raised.with_traceback(None)  # or it would grow each time

    def _errors(self) -> list[BaseException]:
        """Return what tasks have raised so far."""
        return [error for task in self._tasks if task.outcome is not None and (error := task.exception())]

    def _value_of(self, task: Task, deadline: Deadline = NEVER) -> Any:
        """Return the result of `task`, or raise its error, waiting for it."""
        if task.outcome is None:
            self._wait_for(task, deadline)
        error = task.exception()
        if error is None:
            return task.value()
        if self._return_exceptions:
            return error
        raise error

    def _wait_for(self, task: Task, deadline: Deadline) -> None:
        if not self._wait(lambda: task.outcome is not None or self.done(), deadline.left()):
            raise TimeoutError("not all results arrived in time")
        if self.cancelled():
            raise CancelledError


class JoinedResult(Joining, AsyncResult[list[Any]]):
    """The results of several AsyncResults of one client, one after the other."""

    __slots__ = ("_parts",)

    def __init__(self, parts: tuple[AsyncResult[Any], ...]) -> None:
        if not parts:
            raise ValueError("join() needs at least one AsyncResult")
        for part in parts:
            if not isinstance(part, AsyncResult):
                raise TypeError(f"join() takes AsyncResults, each as an argument of its own, not {part!r}")
        super().__init__(parts[0]._session, "join", count=len(parts), single=False)
        self._parts = parts
        self._tasks = [task for part in parts for task in part._tasks]
        for part in parts:
            if not part._single:
                part._watch(self._task_of_part_done)
            part._when_done(self._part_done)

    def __len__(self) -> int:
        """How many results there are."""
        return sum(1 if part._single else len(part) for part in self._parts)

    @property
    def progress(self) -> int:
        """How many of them have ended."""
        return sum(part.progress for part in self._parts)

    def _as_argument(self) -> tuple[Any, ...]:
        from engineroom.client.state.as_arguments import Made

        return chained, tuple(Made(listed, part) if part._single else part for part in self._parts)

    def __getitem__(self, key: Any) -> Any:
        """Return a result or a list of results (waiting for all), or what metadata have under a str."""
        return super().__getitem__(key) if isinstance(key, str) else self.get()[key]
