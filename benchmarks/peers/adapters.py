"""One small class for each peer: how one starts it, and how one asks it for the same things."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from benchmarks.array_work import Array, held, joined, read_pages, read_pushed

Function = Callable[..., Any]
WORKERS = 2


def halves(array: Array) -> list[Array]:
    """Return the part of each worker."""
    size = len(array) // WORKERS
    return [array[start : start + size] for start in range(0, len(array), size)]


class Peer(Protocol):
    """A way to have functions called in other processes. Imports what it needs in `start`.

    `to_all` has each worker read every page of an array, `scatter` every page of its part; `gather` returns one array
    of `size` bytes of what the workers have.
    """

    def start(self, workers: int) -> None: ...
    def stop(self) -> None: ...
    def submit(self, function: Function, *args: Any) -> Any: ...
    def submit_to(self, worker: int, function: Function, *args: Any) -> Any: ...
    def result(self, handle: Any) -> Any: ...
    def map(self, function: Function, items: Iterable[Any]) -> list[Any]: ...
    def to_all(self, array: Array) -> None: ...
    def scatter(self, array: Array) -> None: ...
    def gather(self, size: int) -> Array: ...


class Engineroom:
    """engineroom, over its load-balanced and direct views."""

    def start(self, workers: int) -> None:
        import engineroom

        os.environ["IPYTHONDIR"] = tempfile.mkdtemp(prefix="er-peer-")
        self._cluster: Any = engineroom.Cluster(n=workers)
        self._client: Any = self._cluster.start_and_connect_sync()
        self._view = self._client.load_balanced_view()

    def stop(self) -> None:
        self._client.close()
        self._cluster.stop_cluster_sync()

    def submit(self, function: Function, *args: Any) -> Any:
        return self._view.apply_async(function, *args)

    def submit_to(self, worker: int, function: Function, *args: Any) -> Any:
        return self._client[worker].apply_async(function, *args)

    def result(self, handle: Any) -> Any:
        return handle.get()

    def map(self, function: Function, items: Iterable[Any]) -> list[Any]:
        return list(self._view.map_sync(function, items))

    def to_all(self, array: Array) -> None:
        self._client[:].apply_sync(read_pages, array)

    def scatter(self, array: Array) -> None:
        self._client[:].scatter("part", array, block=True)
        self._client[:].apply_sync(read_pushed, "part")

    def gather(self, size: int) -> Array:
        whole: Array = self._client[:].gather("part", block=True)
        assert len(whole) == size
        return whole


class Ipyparallel(Engineroom):
    """ipyparallel: the same names, which is what engineroom keeps them for."""

    def start(self, workers: int) -> None:
        import ipyparallel

        os.environ["IPYTHONDIR"] = tempfile.mkdtemp(prefix="er-peer-")
        self._cluster = ipyparallel.Cluster(n=workers, log_level=30)
        self._client = self._cluster.start_and_connect_sync()
        self._view = self._client.load_balanced_view()

    def map(self, function: Function, items: Iterable[Any]) -> list[Any]:
        return list(self._client[:].map_sync(function, items))  # its balanced view makes a task of each item


class _ByCalls:
    """What arrays go by where they are arguments and results, after whatever `_sent` does to them."""

    submit_to: Callable[..., Any]
    result: Callable[[Any], Any]

    def _sent(self, array: Array, worker: int) -> Any:
        del worker
        return array

    def to_all(self, array: Array) -> None:
        self._read([self._sent(array, worker) for worker in range(WORKERS)])

    def scatter(self, array: Array) -> None:
        self._read([self._sent(part, worker) for worker, part in enumerate(halves(array))])

    def _read(self, sent: list[Any]) -> None:
        for handle in [self.submit_to(worker, read_pages, one) for worker, one in enumerate(sent)]:
            self.result(handle)

    def gather(self, size: int) -> Array:
        handles = [self.submit_to(worker, held, size // WORKERS) for worker in range(WORKERS)]
        return joined([self.result(handle) for handle in handles])


class Dask(_ByCalls):
    """Dask's distributed scheduler with one thread a worker."""

    def start(self, workers: int) -> None:
        import distributed

        self._cluster = distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
        self._client = distributed.Client(self._cluster)
        self._client.wait_for_workers(workers)
        self._workers = list(self._client.scheduler_info()["workers"])

    def stop(self) -> None:
        self._client.close()
        self._cluster.close()

    def submit(self, function: Function, *args: Any) -> Any:
        return self._client.submit(function, *args, pure=False)

    def submit_to(self, worker: int, function: Function, *args: Any) -> Any:
        return self._client.submit(function, *args, pure=False, workers=[self._workers[worker]])

    def result(self, handle: Any) -> Any:
        return handle.result()

    def map(self, function: Function, items: Iterable[Any]) -> list[Any]:
        return list(self._client.gather(self._client.map(function, items, pure=False, batch_size=1000)))

    def to_all(self, array: Array) -> None:
        self._read([self._client.scatter(array, broadcast=True, hash=False)] * WORKERS)

    def _sent(self, array: Array, worker: int) -> Any:
        return self._client.scatter(array, workers=[self._workers[worker]], hash=False)


class Ray(_ByCalls):
    """Ray: tasks for whoever is free, an actor for each worker that is addressed."""

    def start(self, workers: int) -> None:
        import ray
        from ray.util import multiprocessing

        self._ray = ray
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
        self._remote: dict[Function, Any] = {}
        self._pool: Any = None
        self._make_pool: Any = lambda: multiprocessing.Pool(workers)

        class Actor:
            def call(self, function: Function, *args: Any) -> Any:
                return function(*args)

        self._actors = [ray.remote(num_cpus=0)(Actor).remote() for _ in range(workers)]

    def stop(self) -> None:
        self._ray.shutdown()

    def submit(self, function: Function, *args: Any) -> Any:
        if function not in self._remote:
            self._remote[function] = self._ray.remote(function)
        return self._remote[function].remote(*args)

    def submit_to(self, worker: int, function: Function, *args: Any) -> Any:
        return self._actors[worker].call.remote(function, *args)

    def result(self, handle: Any) -> Any:
        return self._ray.get(handle)

    def map(self, function: Function, items: Iterable[Any]) -> list[Any]:
        self._pool = self._pool or self._make_pool()
        return list(self._pool.map(function, items))

    def to_all(self, array: Array) -> None:
        self._read([self._ray.put(array)] * WORKERS)

    def _sent(self, array: Array, worker: int) -> Any:
        del worker
        return self._ray.put(array)


class Pool(_ByCalls):
    """`multiprocessing.Pool`, which does not say which worker runs something."""

    def start(self, workers: int) -> None:
        import multiprocessing

        self._pool: Any = multiprocessing.get_context("spawn").Pool(workers)
        self._patience = 30.0

    def stop(self) -> None:
        self._pool.terminate()

    def submit(self, function: Function, *args: Any) -> Any:
        return self._pool.apply_async(function, args)

    def submit_to(self, worker: int, function: Function, *args: Any) -> Any:
        del worker
        return self.submit(function, *args)

    def result(self, handle: Any) -> Any:
        import multiprocessing

        try:
            return handle.get(self._patience)
        except multiprocessing.TimeoutError:  # what a killed worker had never ends, nor what comes after it
            self._patience = 0.0
            raise

    def map(self, function: Function, items: Iterable[Any]) -> list[Any]:
        return list(self._pool.map(function, items))


class Executor(_ByCalls):
    """`concurrent.futures.ProcessPoolExecutor`, which does not say which worker runs something."""

    def start(self, workers: int) -> None:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        self._workers = workers
        self._pool: Any = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))

    def stop(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, function: Function, *args: Any) -> Any:
        return self._pool.submit(function, *args)

    def submit_to(self, worker: int, function: Function, *args: Any) -> Any:
        del worker
        return self.submit(function, *args)

    def result(self, handle: Any) -> Any:
        return handle.result()

    def map(self, function: Function, items: Iterable[Any]) -> list[Any]:
        items = list(items)
        return list(self._pool.map(function, items, chunksize=max(1, len(items) // (4 * self._workers))))


PEERS: dict[str, type[Peer]] = {
    "engineroom": Engineroom,
    "ipyparallel": Ipyparallel,
    "dask": Dask,
    "ray": Ray,
    "mp.Pool": Pool,
    "ProcessPoolExecutor": Executor,
}
NEEDS = {
    "engineroom": ["--editable", ".", "numpy", "psutil"],
    "ipyparallel": ["ipyparallel", "numpy", "psutil"],
    "dask": ["distributed", "numpy", "psutil"],
    "ray": ["ray", "numpy", "psutil"],
    "mp.Pool": ["numpy", "psutil"],
    "ProcessPoolExecutor": ["numpy", "psutil"],
}
DISTRIBUTIONS = {"engineroom": "engineroom", "ipyparallel": "ipyparallel", "dask": "distributed", "ray": "ray"}
UNADDRESSED = {"mp.Pool", "ProcessPoolExecutor"}
"""Those that do not say which worker runs something."""
