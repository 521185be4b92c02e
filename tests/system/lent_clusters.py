"""A cluster of two engines that modules of tests use one after the other: to start one takes longer than most tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engineroom import Client, Cluster
from engineroom.errors import EngineroomError
from tests.patience import SECONDS
from tests.system.engine_state import state

ENGINES = 2

State = list[dict[str, Any]]


@contextlib.contextmanager
def own_cluster(place: Path, controller_args: list[str]) -> Iterator[Cluster]:
    """Yield a cluster of two engines that nobody has used, and that ends with its only user."""
    cluster = Cluster(
        n=ENGINES, profile_dir=place / "profile_module", restart_dead_engines=False, controller_args=controller_args
    )
    cluster.start_cluster_sync()
    yield cluster
    cluster.stop_cluster_sync()


class Lender:
    """Lends one cluster, as long as it comes back as it was; then another one.

    It is as it was if nothing runs or waits, and its two engines are the same and as they were in all that `state()`
    tells, once their namespaces have been cleared and results have been forgotten.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._started = 0
        self._open = contextlib.ExitStack()
        self._cluster: Cluster | None = None
        self._was: State = []

    @contextlib.contextmanager
    def lent(self) -> Iterator[Cluster]:
        """Yield a cluster that is as if nobody had used it, but that modules of tests may have been imported there."""
        if self._cluster is None:
            self._start()
        assert self._cluster is not None
        yield self._cluster
        if self._now(self._cluster) != self._was:
            self.close()

    def close(self) -> None:
        """Stop the cluster, if there is one."""
        self._cluster = None
        self._open.close()

    def _start(self) -> None:
        self._started += 1
        self._cluster = self._open.enter_context(own_cluster(self._place / str(self._started), []))
        self._was = self._now(self._cluster)
        assert self._was

    def _now(self, cluster: Cluster) -> State:
        """Return what the engines are like, with empty namespaces; []: that is not to be found out."""
        with contextlib.suppress(EngineroomError, OSError), cluster.connect_client_sync() as rc:
            rc.wait_for_engines(ENGINES, timeout=SECONDS)
            if rc.ids == list(range(ENGINES)) and _is_idle(rc):
                rc[:].clear().get(SECONDS)
                states: State = rc[:].apply_async(state).get(SECONDS)
                rc.purge_results("all")
                return states
        return []


def _is_idle(rc: Client) -> bool:
    status = rc.queue_status()
    return not status.pop("unassigned") and not any(its["queue"] or its["tasks"] for its in status.values())
