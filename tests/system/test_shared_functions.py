"""Functions with large data on one machine: one copy for all engines, private to each call, whoever is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engineroom import Client, Cluster
from engineroom.protocol.connection_files import read_connection_file
from tests.patience import SECONDS
from tests.system.conftest import answers
from tests.system.test_shared_memory import looks, segments_of

MIB = 2**20

pytestmark = pytest.mark.filterwarnings("ignore:.*is sent with the function")


@pytest.fixture(scope="module")
def controller_args() -> list[str]:
    return ["--nodb"]


def controller_of(cluster: Cluster) -> int:
    controller = read_connection_file(cluster.client_connection_file).controller
    assert controller is not None
    return controller.pid


def table_of(value: int, size: int = 8 * MIB) -> Any:
    """Return an array whose ends tell it from others."""
    table = np.full(size, value, np.uint8)
    table[-1] = value + 1
    return table


def test_all_engines_map_what_a_function_captures_and_the_controller_does_not(rc: Client, cluster: Cluster) -> None:
    table = table_of(1)

    def look() -> tuple[int, int, bool, str]:
        return looks(table)

    one, two = rc[:].apply_sync(look)
    assert one == two
    assert one[:3] == (1, 2, True)
    assert "memfd" not in Path(f"/proc/{controller_of(cluster)}/maps").read_text(encoding="utf-8")


def test_what_a_call_writes_is_its_own(rc: Client) -> None:
    table = table_of(3)

    def write() -> int:
        before = int(table[0])
        table[:] = 9
        return before

    assert [rc[:].apply_sync(write) for _ in range(3)] == [[3, 3]] * 3
    assert rc[:].apply_sync(lambda: int(table[-1])) == [4, 4]
    assert table[0] == 3


def test_what_a_call_keeps_stays_as_it_was_when_the_function_is_gone(rc: Client) -> None:
    kept = table_of(5)
    rc[0].apply_sync(lambda: globals().update(kept=kept))
    for value in range(10, 60, 2):  # more than an engine keeps of functions
        other = table_of(value, 24 * MIB)
        assert rc[0].apply_sync(lambda: int(other[0])) == value  # noqa: B023 (it runs here and now)
    assert rc[0].apply_sync(lambda: [int(kept[0]), int(kept[-1])]) == [5, 6]
    rc[0].clear(block=True)


def test_functions_that_are_long_themselves_go_the_same_way(rc: Client) -> None:
    words = [f"word {number}" for number in range(100_000)]
    assert rc[:].apply_sync(lambda: (len(words), words[-1])) == [(100_000, "word 99999")] * 2


def test_a_controller_that_is_killed_and_an_engine_that_comes_later(tmp_path: Path) -> None:
    cluster = Cluster(n=1, profile_dir=str(tmp_path / "profile"), controller_args=["--nodb"])
    cluster.start_cluster_sync()
    try:
        with cluster.connect_client_sync() as rc:
            rc.wait_for_engines(1, timeout=SECONDS)
            is_mapped_all_along(cluster, rc)
    finally:
        cluster.stop_cluster_sync()


def is_mapped_all_along(cluster: Cluster, rc: Client) -> None:
    table = table_of(7)

    def look() -> tuple[int, int, str]:
        first, last, _, inode = looks(table)
        return first, last, inode

    before = rc[0].apply_sync(look)
    os.kill(controller_of(cluster), signal.SIGKILL)
    assert answers(rc, [0], look) == [before]
    cluster.start_engines_sync(1)
    rc.wait_for_engines(2, timeout=SECONDS)
    assert rc[:].apply_sync(look) == [before] * 2
    assert all(before[2] in segments_of(pid) for pid in rc[:].apply_sync(os.getpid))
