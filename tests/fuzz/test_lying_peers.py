"""Whatever liars say, an honest client and an honest engine beside them keep their results and their pace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engineroom import Cluster
from tests.fuzz import lies_in_records, lies_of_clients, lies_of_engines, lies_of_hosts, lies_of_strangers
from tests.fuzz.honest import Honest
from tests.fuzz.lies import STORIES
from tests.patience import SECONDS

TELLERS = (lies_of_strangers, lies_in_records, lies_of_clients, lies_of_engines, lies_of_hosts)
"""They fill STORIES."""


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Honest]:
    """Yield an honest client and engine, for all the stories."""
    cluster = Cluster(n=1, profile_dir=tmp_path_factory.mktemp("honest") / "profile_honest")
    cluster.start_cluster_sync()
    try:
        with cluster.connect_client_sync() as rc:
            rc.wait_for_engines(1, timeout=SECONDS)
            yield Honest.begin(cluster, rc)
    finally:
        cluster.stop_cluster_sync()


@pytest.mark.parametrize("story", STORIES)
def test_nobody_else_notices(honest: Honest, story: str) -> None:
    honest.beside(STORIES[story])


def test_there_are_many_stories() -> None:
    assert len(STORIES) >= 67
