"""One small class for each peer: how one starts it, and how one asks it for the same things."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from typing import Any, Protocol

Function = Callable[..., Any]


class Peer(Protocol):
    """A way to have functions called in other processes. Imports what it needs in `start`."""

    def start(self, workers: int) -> None: ...
    def stop(self) -> None: ...
    def submit(self, function: Function, *args: Any) -> Any: ...
    def submit_to(self, worker: int, function: Function, *args: Any) -> Any: ...
    def result(self, handle: Any) -> Any: ...
    def map(self, function: Function, items: Iterable[Any]) -> list[Any]: ...


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


class Dask:
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


class Ray:
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


PEERS: dict[str, type[Peer]] = {"engineroom": Engineroom, "ipyparallel": Ipyparallel, "dask": Dask, "ray": Ray}
NEEDS = {
    "engineroom": ["--editable", "."],
    "ipyparallel": ["ipyparallel", "psutil"],
    "dask": ["distributed", "psutil"],
    "ray": ["ray", "psutil"],
}
