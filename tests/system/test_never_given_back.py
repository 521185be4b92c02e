"""Peers that never give back what they had in shared memory: it counts against their own bound, and goes with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engineroom import Client, Cluster
from engineroom.protocol.connection_files import read_connection_file
from tests.patience import SECONDS
from tests.system.conftest import until
from tests.system.test_shared_memory import segments_held
from tests.system.values_here import give_nothing_back

MIB = 2**20
BOUND = 64 * MIB
EACH_ENGINE = BOUND // (os.cpu_count() or 1)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    options = ["--nodb", f"--IPController.max_shared_bytes={BOUND}"]
    made = Cluster(n=2, profile_dir=str(tmp_path / "profile"), controller_args=options)
    made.start_cluster_sync()
    yield made
    made.stop_cluster_sync()


@pytest.fixture
def rc(cluster: Cluster) -> Iterator[Client]:
    with Client(cluster.client_connection_file) as client:
        client.wait_for_engines(2, timeout=SECONDS)
        yield client


def controller_of(cluster: Cluster) -> int:
    record = read_connection_file(cluster.client_connection_file).controller
    assert record is not None
    return record.pid


def goes_and_comes(rc: Client, engine: int, count: int = 40) -> None:
    for number in range(count):
        data = np.full(2 * MIB, number, np.uint8)
        assert int(rc[engine].apply_sync(lambda its: its, data)[-1]) == number


def test_an_engine(cluster: Cluster, rc: Client) -> None:
    controller, victim = controller_of(cluster), rc[0].apply_sync(os.getpid)
    goes_and_comes(rc, 0, 5)
    rc[0].apply_sync(give_nothing_back)
    goes_and_comes(rc, 0)
    kept = segments_held(controller)
    assert 0 < kept <= EACH_ENGINE // (2 * MIB) + 8
    goes_and_comes(rc, 0)
    assert segments_held(controller) <= kept + 8, "more than its bound is kept for it"
    with Client(cluster.client_connection_file) as other:
        goes_and_comes(other, 1)
    os.kill(victim, signal.SIGKILL)
    until(lambda: segments_held(controller) < kept // 2)
    goes_and_comes(rc, 1)


LIAR = """
import sys
from engineroom import Client
from tests.system.test_never_given_back import give_nothing_back, goes_and_comes
rc = Client(sys.argv[1])
give_nothing_back()
goes_and_comes(rc, 0)
print("kept", flush=True)
goes_and_comes(rc, 0)
print("and more", flush=True)
sys.stdin.read()
"""


def test_a_client(cluster: Cluster, rc: Client) -> None:
    controller = controller_of(cluster)
    command = [sys.executable, "-c", LIAR, cluster.client_connection_file]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as liar:
        assert liar.stdout is not None
        assert liar.stdout.readline() == "kept\n"
        kept = segments_held(controller)
        assert 0 < kept <= BOUND // (2 * MIB) + 8
        assert liar.stdout.readline() == "and more\n"
        assert segments_held(controller) <= kept + 8
        goes_and_comes(rc, 0)
        goes_and_comes(rc, 1)
        liar.kill()
    until(lambda: segments_held(controller) < kept // 2)
    goes_and_comes(rc, 0, 5)
