"""The joblib backend: `joblib.Parallel`, and all that stands on it such as scikit-learn's `n_jobs`, runs on engines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from engineroom.client.views.balanced import LoadBalancedView
from engineroom.client.views.view import View
from engineroom.integrations.batches import Batch, run
from engineroom.serialize.functions.large_parts import LARGE

try:
    from joblib.parallel import (
        AutoBatchingMixin,
        FallbackToBackend,
        ParallelBackendBase,
        SequentialBackend,
        register_parallel_backend,
    )
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "joblib is not installed here, and its backend needs it: `pip install 'engineroom[joblib]'`, on the engines' "
        "machines as well",
        name=error.name,
    ) from None

if TYPE_CHECKING:
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.views.any_view import AnyView

NAME, FORMER_NAME = "engineroom", "ipyparallel"


class EngineroomBackend(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc]  # joblib has no types
    """Runs joblib's batches on the engines of a view, or of the cluster that runs."""

    supports_retrieve_callback = True
    supports_return_generator = True
    supports_timeout = True
    default_n_jobs = -1
    MIN_IDEAL_BATCH_DURATION = 0.05
    MAX_IDEAL_BATCH_DURATION = 0.5

    def __init__(
        self,
        *,
        view: AnyView[Any] | None = None,
        start_cluster: bool = True,
        nesting_level: int | None = None,
        inner_max_num_threads: int | None = None,
        **unknown: Any,
    ) -> None:
        """`view`: the engines to use; None: those of the cluster that runs or, if `start_cluster`, of a new one.

        `nesting_level`, `inner_max_num_threads`: what joblib says. TypeError: any other option; `view` is not a view.
        """
        if unknown:
            raise TypeError(
                f"the joblib backend of engineroom has no option {', '.join(map(repr, unknown))}. Its options are "
                "`view` and `start_cluster`; set anything else on the view, with `view.set_flags()`"
            )
        view = _balanced(view)
        super().__init__(nesting_level=nesting_level, inner_max_num_threads=inner_max_num_threads)
        self._given, self._view = view, view
        self._start_cluster = start_cluster
        self._pending: dict[AsyncResult[Any], None] = {}
        self._lock = threading.Lock()

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return how many calls run at the same time: `n_jobs`, or fewer if there are fewer engines."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs == 1:
            return 1
        wanted = self.default_n_jobs if n_jobs is None else n_jobs
        engines = max(1, len(self._engines(wanted)))
        return min(wanted, engines) if wanted > 0 else max(1, engines + 1 + wanted)

    def configure(self, n_jobs: int | None = 1, parallel: Any = None, **options: Any) -> int:
        """Choose the engines; called before a run."""
        del options
        self.parallel = parallel
        count = self.effective_n_jobs(n_jobs)
        if count == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        engines = self._engines(count)
        if count < len(engines):
            self._view = self._client(count).load_balanced_view(engines[:count])
        else:
            self._view = self._given or self._client(count).load_balanced_view()
        return count

    def submit(self, func: Any, callback: Callable[[Any], object] | None = None) -> Any:
        """Run a batch; return its future."""
        view: Any = self._view
        future = view.apply_async(Batch(func)) if _has_large(func) else view.apply_async(run, func)
        with self._lock:
            self._pending[future] = None
        future.add_done_callback(partial(self._ended, callback))
        return future

    apply_async = submit

    def _ended(self, callback: Callable[[Any], object] | None, future: Any) -> None:
        with self._lock:
            self._pending.pop(future, None)
        if callback is not None:
            callback(future)

    def retrieve_result_callback(self, out: Any) -> Any:
        """Return the results of a batch, or raise what it raised."""
        return out.result()

    def abort_everything(self, ensure_ready: bool = True) -> None:  # noqa: FBT001, FBT002 (as joblib calls it)
        """Withdraw what has not started, and interrupt what runs: an error, Ctrl-C, or a generator that was dropped."""
        with self._lock:
            pending, self._pending = list(self._pending), {}
        for future in pending:
            future.cancel()
        if ensure_ready:
            self.configure(n_jobs=self.parallel.n_jobs, parallel=self.parallel)

    def terminate(self) -> None:
        """End a run: the engines stay."""
        self.reset_batch_stats()

    def _client(self, n: int) -> Any:
        if self._given is not None:
            return self._given.client
        from engineroom.integrations.default_cluster import default_cluster  # only now, with `Cluster`

        return default_cluster.client(
            "The joblib backend of engineroom", n if n > 0 else None, start=self._start_cluster
        )

    def _engines(self, n: int) -> list[int]:
        view, client = self._given, self._client(n)
        targets = None if view is None else view.targets
        return list(client.ids) if targets is None or targets == "all" else _listed(targets)


def _balanced(view: Any) -> LoadBalancedView | None:
    """Return a load-balanced view of the engines of `view`."""
    if view is None or isinstance(view, LoadBalancedView):
        return view
    if isinstance(view, View):
        balanced: LoadBalancedView = view.client.load_balanced_view(view.targets)
        return balanced
    raise TypeError(f"expected a view, such as `rc.load_balanced_view()`, got {view!r}")


def _listed(targets: Any) -> list[int]:
    return [targets] if isinstance(targets, int) else list(targets)


def _has_large(batch: Any) -> bool:
    """Whether an argument in a batch is an array, or bytes, that are worth being sent only once."""
    for _, args, kwargs in getattr(batch, "items", ()):
        for value in (*args, *kwargs.values()):
            size = getattr(value, "nbytes", None)
            if (isinstance(size, int) and size >= LARGE) or (isinstance(value, bytes) and len(value) >= LARGE):
                return True
    return False


def register(
    name: str = NAME,
    make_default: bool = False,  # noqa: FBT001, FBT002 (as users write it)
    *,
    view: AnyView[Any] | None = None,
    start_cluster: bool = True,
) -> None:
    """Make the backend known to joblib as `name`; by its usual name also as "ipyparallel". See `EngineroomBackend`."""
    factory = partial(EngineroomBackend, view=_balanced(view), start_cluster=start_cluster)
    if name == NAME:
        register_parallel_backend(FORMER_NAME, factory)
    register_parallel_backend(name, factory, make_default=make_default)
