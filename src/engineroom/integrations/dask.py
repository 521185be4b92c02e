"""Engines as workers of a Dask cluster: its scheduler runs in the client's process, a worker in each engine.

Dask's connections are its own. Its scheduler listens on loopback unless the user says otherwise, and speaks TLS with
keys made for this one cluster, which reach the engines through ours.
"""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any

from engineroom.errors import EngineroomError
from engineroom.integrations.dask_worker import Loop, start_worker, started, stop_worker
from engineroom.machine.processes import boot_id

if TYPE_CHECKING:
    from engineroom.client.client import Client
    from engineroom.client.engines.targets import Targets

_LOOPBACK = "127.0.0.1"
_SECONDS = 60.0
"""How long Dask's processes may take to start, or to stop."""


class DaskError(EngineroomError):
    """The engines cannot be workers of a Dask cluster."""


class DaskCluster:
    """A scheduler in this process, and workers in engines of `client`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._loop: Loop | None = None
        self._scheduler: Any = None
        self._security: Any = None
        self._clients: list[Any] = []

    def start(self, targets: Targets, scheduler_args: dict[str, Any], worker_args: dict[str, Any]) -> Any:
        """Start what is not there yet, and return a new `distributed.Client`.

        DaskError: an engine is on another machine than a scheduler that listens on loopback.
        """
        distributed = _distributed()
        engines = self._engines(targets)
        if self._loop is None:
            self._loop = Loop("engineroom-dask")
            atexit.register(self.stop)
        if self._scheduler is None:
            self._security = scheduler_args.pop("security", None) or distributed.Security.temporary()
            options = {"host": _LOOPBACK, "dashboard": False, "security": self._security, **scheduler_args}
            self._scheduler = self._loop.run(started(distributed.Scheduler, **options), _SECONDS)
        address = self._scheduler.address
        self._check_reach(engines, address)
        there = {worker.name for worker in list(self._scheduler.workers.values())}
        new = {each: f"engine-{each}" for each in engines if f"engine-{each}" not in there}
        threads = worker_args.pop("ncores", 1)  # what Dask called it before
        options = {"nthreads": threads, "security": self._security, **worker_args}
        starts = [
            self._client[each].apply_async(start_worker, address, {"name": name, **options})
            for each, name in new.items()
        ]
        for start in starts:
            start.get(_SECONDS)
        made = distributed.Client(address, security=self._security)
        self._clients.append(made)
        made.wait_for_workers(len(there) + len(new), timeout=_SECONDS)
        return made

    def stop(self, targets: Targets = "all") -> None:
        """Stop the workers, the scheduler and the clients; or only the workers on the engines `targets`."""
        if not (targets is None or (isinstance(targets, str) and targets == "all")):
            if self._scheduler is not None:
                self._client.direct_view(self._engines(targets)).apply_sync(stop_worker, self._scheduler.address)
            return
        clients, self._clients = self._clients, []
        atexit.unregister(self.stop)
        loop, self._loop = self._loop, None
        scheduler, self._scheduler = self._scheduler, None
        for each in clients:
            each.close()
        if scheduler is not None and not self._client._session.closed and len(self._client):
            self._client[:].apply_async(stop_worker, scheduler.address).wait(_SECONDS)
        if loop is not None:
            if scheduler is not None:
                loop.run(scheduler.close(), _SECONDS)
            loop.stop()

    def _engines(self, targets: Targets) -> list[int]:
        if targets is None or (isinstance(targets, str) and targets == "all"):
            return list(self._client.ids)
        view: Any = self._client
        found = view.direct_view(targets).targets
        return [found] if isinstance(found, int) else list(found)

    def _check_reach(self, engines: list[int], address: str) -> None:
        if _LOOPBACK not in address and "localhost" not in address:
            return
        bound = self._client._session.engines.bound(engines)
        elsewhere = [f"engine {each.id} ({each.info.host})" for each in bound if each.info.boot_id != boot_id()]
        if elsewhere:
            raise DaskError(
                f"Dask's scheduler listens on this machine alone ({address}): {', '.join(elsewhere)} cannot reach it. "
                "Pass targets=[...] with the engines of this machine, or scheduler_args={'host': ADDRESS} with an "
                "address of this machine that the others can reach"
            )


def _distributed() -> Any:
    try:
        import distributed  # few have it
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Dask is not installed here, or not all of it: `pip install 'engineroom[dask]'`, on all machines",
            name=error.name,
        ) from None
    return distributed
