"""A view as a `concurrent.futures.Executor` (PEP 3148)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from engineroom.client.hinted import Hinted

if TYPE_CHECKING:
    from engineroom.client.results import AsyncResult
    from engineroom.client.views.view import View


class ViewExecutor(Hinted, Executor):
    """Submits to a view. Shutting it down leaves the engines running."""

    def __init__(self, view: View) -> None:
        self.view = view.with_flags(block=False)
        self._pending: deque[AsyncResult] = deque()
        self._shut_down = False

    @property
    def _max_workers(self) -> int:
        """How many calls run at once: other libraries look for it under this name."""
        return max(1, self.view.width)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Have `fn(*args, **kwargs)` called on an engine; return its future."""
        self._check()
        return self._keep(self.view.apply_async(fn, *args, **kwargs))

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int | None = None,
    ) -> Iterator[Any]:
        """Return an iterator over the results, in order; TimeoutError `timeout` seconds after this call.

        The iterables are read at once, and items travel in chunks of a size that suits (or of `chunksize`).
        For endless iterables there is `view.imap`.
        """
        self._check()
        columns = [list(iterable) for iterable in iterables]
        options = {} if chunksize is None else {"chunksize": chunksize}
        return self._keep(self.view.map_async(fn, *columns, **options)).iterate(timeout)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 (Executor's signature)
        """Accept no more calls; `wait` for those that are under way, or cancel those that have not started."""
        self._shut_down = True
        pending = [future for future in self._pending if not future.done()]
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait:
            for future in pending:
                future.wait()
        self._pending.clear()

    def _check(self) -> None:
        if self._shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")

    def _keep(self, future: AsyncResult) -> AsyncResult:
        """Remember `future` for `shutdown`; those that have ended are forgotten in passing."""
        pending = self._pending
        pending.append(future)
        for _ in range(2):
            if pending and pending[0].done():
                pending.popleft()
        return future
