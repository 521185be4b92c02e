"""The cluster that a library uses on its own account: the one that runs, else one that it may start."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import Any

from engineroom.client.client import Client
from engineroom.cluster import Cluster
from engineroom.cluster.finding.registry import running_ids
from engineroom.errors import EngineroomError
from engineroom.settings.profiles import Profile

VARIABLE = "ENGINEROOM_START_CLUSTER"
"""Set to 0, no library starts a cluster by itself."""


class NoClusterToUse(EngineroomError):
    """No cluster runs, or several, and none may be started."""


class DefaultCluster:
    """A client of the cluster that is used, made when it is first asked for, and again when that cluster has ended."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._started: Cluster | None = None
        self._process = 0
        self._lock = threading.Lock()

    def client(self, who: str, n: int | None, *, start: bool) -> Client:
        """Return a client. `who`: says what for; `n`: how many engines to start, None: one for each core.

        NoClusterToUse: which cluster is meant is not clear, or none runs and none may be started (`start`).
        """
        with self._lock:
            if self._client is None or self._process != os.getpid() or self._is_over(self._client):
                self._client = self._connect(who, n, start=start)
                self._process = os.getpid()
            return self._client

    @staticmethod
    def _is_over(client: Client) -> bool:
        return client._session.closed

    def _connect(self, who: str, n: int | None, *, start: bool) -> Client:
        profile = Profile.find(None)
        ids = running_ids(profile)
        if len(ids) == 1:
            client = Cluster.from_file(cluster_id=ids[0]).connect_client_sync()
            client.wait_for_engines(1)
            return client
        if ids:
            names = ", ".join(repr(each) for each in ids)
            raise NoClusterToUse(
                f"{who} found several running clusters ({names}), and cannot know which one you mean: register a view "
                "of it, `rc.load_balanced_view().register_joblib_backend()`"
            )
        if not start or os.environ.get(VARIABLE, "1").lower() in {"0", "no", "false", "off"}:
            raise NoClusterToUse(
                f"{who} found no running cluster, and may not start one: start one with `ipcluster start -n 4`, or "
                f"register a view of yours, `rc.load_balanced_view().register_joblib_backend()`. To let it start one, "
                f"write `register_joblib_backend(start_cluster=True)`, and set {VARIABLE}=1 if it is 0"
            )
        return self._start(who, n)

    def _start(self, who: str, n: int | None) -> Client:
        self._started = Cluster(n=n)
        client: Any = self._started.start_and_connect_sync()
        atexit.register(client.close)
        count = len(client)
        print(
            f"{who}: no cluster was running, so one with {count} engine{'s' if count != 1 else ''} was started. "
            "It stops when this process ends. `ipcluster start` starts one that stays.",
            file=sys.stderr,
        )
        return client  # type: ignore[no-any-return]


default_cluster = DefaultCluster()
"""That of this process."""
