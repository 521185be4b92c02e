"""Honest peers, for whoever lies beside them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engineroom import Cluster
from tests.fuzz.honest import Honest
from tests.patience import SECONDS


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Honest]:
    """Yield an honest client and engine, for all the tests of one file."""
    cluster = Cluster(n=1, profile_dir=tmp_path_factory.mktemp("honest") / "profile_honest")
    cluster.start_cluster_sync()
    try:
        with cluster.connect_client_sync() as rc:
            rc.wait_for_engines(1, timeout=SECONDS)
            yield Honest.begin(cluster, rc)
    finally:
        cluster.stop_cluster_sync()
