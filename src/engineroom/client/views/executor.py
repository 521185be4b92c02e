"""A view as a `concurrent.futures.Executor` (PEP 3148)."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict, Unpack, overload

from engineroom.client.arguments.hinted import Hinted
from engineroom.client.arguments.keywords import explains_keywords
from engineroom.client.arguments.switches import checks_switches
from engineroom.client.kinds import AsyncFunction, Function, T
from engineroom.client.maps.lazy_map import LazyMapIterator, WholeMapIterator
from engineroom.client.waiting.waits import Deadline
from engineroom.errors.local import called_by_users

if TYPE_CHECKING:
    from engineroom.client.engines.targets import Targets
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.views.any_view import AnyView

_FEW = 100


class MapOptions(TypedDict, total=False):
    """The options of an executor's `map`."""

    timeout: float | None
    chunksize: int | None
    buffersize: int | None
    progress: bool | None


@called_by_users("map")
@checks_switches()
class ViewExecutor(Hinted, Executor):
    """A `concurrent.futures.Executor` that runs calls on the engines of a view. Shutting it down does not stop them.

    `rc.executor` and `view.executor` are executors; `rc.executor()` and `view.executor()` return one as well.
    """

    def __init__(self, view: AnyView[Any]) -> None:
        self.view = view
        self._lock = threading.Lock()
        self._pending: list[AsyncResult[Any]] = []
        self._most = _FEW
        """At so many, those that have ended are forgotten."""
        self._shut_down = False

    @property
    def _max_workers(self) -> int:
        """How many calls can run at once. Other libraries read this attribute."""
        return max(1, self.view._width)

    @overload
    def submit(self, fn: AsyncFunction[T], /, *args: Any, **kwargs: Any) -> Future[T]: ...
    @overload
    def submit(self, fn: Function[T], /, *args: Any, **kwargs: Any) -> Future[T]: ...
    def submit(self, fn: Function[Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call `fn(*args, **kwargs)` on an engine; return a future.

        For a view of several engines, on each of them; the future's result is a list. RuntimeError: it was shut down.
        """
        self._check()
        return self._keep(self.view.apply_async(fn, *args, **kwargs))

    @overload
    def map(self, fn: AsyncFunction[T], /, *iterables: Any, **options: Unpack[MapOptions]) -> LazyMapIterator[T]: ...
    @overload
    def map(self, fn: Function[T], /, *iterables: Any, **options: Unpack[MapOptions]) -> LazyMapIterator[T]: ...
    @explains_keywords
    def map(
        self,
        fn: Function[Any],
        /,
        *iterables: Any,
        timeout: float | None = None,
        chunksize: int | None = None,
        buffersize: int | None = None,
        progress: bool | None = None,
    ) -> LazyMapIterator[Any]:
        """Return an iterator over the results of `fn` for the items of `iterables`, in order.

        `timeout`: seconds after this call at which it raises TimeoutError; None: no limit.

        All items are read and submitted at once, up to the end of the shortest iterable. `chunksize`: items per task;
        None: chosen automatically. `buffersize`: submit only this many items ahead of the results that you have read;
        endless iterables need it. `progress`: show a progress bar while results are read (True), or never (False).
        The first error ends the iterator and cancels the tasks that have not started.
        ValueError: `chunksize` or `buffersize` is below 1. RuntimeError: it was shut down.
        """
        self._check()
        if not _is_number("chunksize", chunksize):
            raise ValueError("chunksize must be >= 1.")
        if not _is_number("buffersize", buffersize):
            raise ValueError("buffersize must be None or > 0.")
        if buffersize is not None or not iterables:
            return self._map_lazily(fn, iterables or ((),), buffersize, timeout, progress)
        options = {} if chunksize is None or not self.view._takes_chunksize else {"chunksize": chunksize}
        result: Any = self._keep(self.view.map_async(fn, *iterables, progress=progress, **options))
        return WholeMapIterator(result, timeout)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more calls; `wait`: wait for pending calls; `cancel_futures`: first cancel those not started."""
        with self._lock:
            self._shut_down = True
            pending, self._pending = [future for future in self._pending if not future.done()], []
        if cancel_futures:
            for future in pending:
                future._cancel_unstarted()
        if wait:
            for future in pending:
                future.wait()

    def __repr__(self) -> str:
        pending = sum(not future.done() for future in self._pending)
        state = "shut down" if self._shut_down else f"{pending} pending"
        return f"<ViewExecutor({self.view!r}): {state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "an executor cannot be sent to another process. To call engines from an engine, create a Client there, and "
            "an executor with its `executor()`"
        )

    def _map_lazily(
        self,
        fn: Function[Any],
        iterables: tuple[Any, ...],
        buffersize: int | None,
        timeout: float | None,
        progress: bool | None,
    ) -> LazyMapIterator[Any]:
        def submit(number: int, arguments: tuple[Any, ...]) -> AsyncResult[Any]:
            del number
            self._check()
            return self._keep(self.view.apply_async(fn, *arguments))

        session, deadline = self.view._session, Deadline(timeout)
        return LazyMapIterator(
            session,
            fn,
            iterables,
            submit,
            limit=lambda: buffersize,
            deadline=deadline,
            method="map",
            on_error="stop",
            progress=progress,
        )

    def _check(self) -> None:
        if self._shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")

    def _keep(self, future: AsyncResult[Any]) -> AsyncResult[Any]:
        """Remember `future` for `shutdown`."""
        with self._lock:
            self._pending.append(future)
            if len(self._pending) > self._most:
                self._pending = [each for each in self._pending if not each.done()]
                self._most = _FEW + 2 * len(self._pending)
        return future


def _is_number(option: str, value: Any) -> bool:
    """Return whether `value` is None or a number above 0; TypeError: it is no whole number at all."""
    if value is not None and (isinstance(value, bool) or not hasattr(value, "__index__")):
        raise TypeError(f"{option} must be an integer or None, not {value!r}")
    return value is None or value >= 1


@called_by_users("__call__")
class CallableExecutor(ViewExecutor):
    """What `rc.executor` and `view.executor` are: executors, which may be called as well.

    What a call returns may not: Dask takes whatever is callable for a function.
    """

    def __call__(self, targets: Targets = None) -> ViewExecutor:
        """Return an executor for the same engines or, with `targets`, for a load-balanced view of these engines."""
        return ViewExecutor(self.view if targets is None else self.view.client.load_balanced_view(targets))


CallableExecutor.__name__ = CallableExecutor.__qualname__ = ViewExecutor.__name__  # one kind of thing to users
