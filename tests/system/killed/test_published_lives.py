"""Published values outlive controllers and engines, and end with their clients."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import engineroom as er
from engineroom import Client, Cluster
from engineroom.protocol.connection_files import read_connection_file
from tests.chaos.faults import CONTROLLER, ENGINE
from tests.chaos.victim import Victim
from tests.patience import SECONDS
from tests.system.conftest import Command, answers, until
from tests.system.held_tasks import Mark, wait_for_file
from tests.system.killed.conftest import FORGETFUL
from tests.system.killed.test_killed_amid_data import client_that, has, nothing_is_left
from tests.system.proxy import Proxy, through
from tests.system.values_here import published_here

MIB = 2**20


def hash_of(ref: Any) -> bytes:
    digest: bytes = ref._part.hash
    return digest


@pytest.fixture
def options() -> tuple[str, ...]:
    return FORGETFUL


def test_controllers_and_engines_that_are_killed_are_sent_it_again(victim: Victim, rc: Client) -> None:
    with rc.publish(np.full(16 * MIB, 7, np.uint8)) as ref:
        for whom in (CONTROLLER, ENGINE, CONTROLLER):
            assert rc[:].apply_sync(lambda x: int(x[-1]), ref) == [7, 7]
            pid = victim.pids(whom)[0]
            os.kill(pid, signal.SIGKILL)
            until(lambda gone=pid: len(victim.pids(ENGINE)) == 2 and gone not in victim.pids(CONTROLLER))
            until(lambda: answers(rc, slice(None), int) == [0, 0])  # both are back
        assert rc[:].apply_sync(lambda x: int(x[-1]), ref) == [7, 7]
        digest = hash_of(ref)
    gc.collect()
    until(lambda: not any(rc[:].apply_sync(published_here, digest)))


PUBLISHES = """
import sys
import numpy as np
from engineroom import Client
rc = Client(sys.argv[1])
ref = rc.publish(np.full(24 * 2**20, 3, np.uint8))
assert rc[:].apply_sync(lambda x: int(x[0]), ref) == [3, 3]
rc[:].push({"kept": ref}, block=True)
print("begins", flush=True)
while True:
    rc[:].apply_sync(lambda x: int(x[0]), ref)
"""


def test_when_the_session_of_a_killed_client_is_over_it_is_gone_everywhere(victim: Victim, rc: Client) -> None:
    with client_that("", victim, PUBLISHES):
        assert all(map(has, victim.pids(ENGINE)))
    assert rc[:].apply_sync(lambda its: int(its[0]), er.Reference("kept")) == [3, 3]
    rc[:].execute("del kept", block=True)

    rc[:].apply_sync(gc.collect)
    until(lambda: nothing_is_left(rc, victim))


def test_many_are_published_and_nothing_grows(victim: Victim, rc: Client) -> None:
    def publish(number: int) -> None:
        with rc.publish(np.full(MIB, number % 251, np.uint8)) as ref:
            assert rc[:].apply_sync(lambda x: int(x[0]), ref) == [number % 251] * 2

    def sizes() -> list[int]:
        pids = [os.getpid(), *victim.pids(CONTROLLER), *victim.pids(ENGINE)]
        return [psutil.Process(pid).memory_info().rss // MIB for pid in pids]

    for number in range(30):
        publish(number)
    before = sizes()
    for number in range(30, 130):
        publish(number)
    assert all(now - then < 40 for now, then in zip(sizes(), before, strict=True)), (before, sizes())


def test_more_than_shared_memory_is_allowed_to_have(tmp_path: Path) -> None:
    args = ["--nodb", f"--IPController.max_shared_bytes={8 * MIB}"]
    with Cluster(n=2, profile_dir=str(tmp_path / "profile"), controller_args=args) as rc:
        data = np.full(32 * MIB, 9, np.uint8)
        with rc.publish(data) as ref:
            assert rc[:].apply_sync(lambda x: int(x[-1]), ref) == [9, 9]


def test_published_before_there_are_engines_and_taken_by_those_that_come(tmp_path: Path, mark: Mark) -> None:
    cluster = Cluster(profile_dir=str(tmp_path / "profile"), controller_args=["--nodb"])
    cluster.start_controller_sync()
    try:
        with cluster.connect_client_sync() as rc, rc.publish(np.full(MIB, 4, np.uint8)) as ref:
            waiting = rc.load_balanced_view().apply_async(lambda x: int(x[0]), ref)
            for wanted in (1, 2):
                cluster.start_engines_sync(1)
                rc.wait_for_engines(wanted, timeout=SECONDS)
                assert rc[:].apply_sync(lambda x: int(x[-1]), ref) == [4] * wanted
            assert waiting.get(SECONDS) == 4
            held = rc[:].apply_async(lambda x, path: (wait_for_file(path), int(x[0]))[1], ref, str(mark))
        mark.set()
        assert held.done() or held.get(SECONDS) == [4, 4]
    finally:
        cluster.stop_cluster_sync()


def test_what_is_released_while_an_engine_is_away_is_gone_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")
    cluster = Cluster(profile_dir=str(tmp_path / "profile"), controller_args=["--nodb"])
    cluster.start_controller_sync()
    file = cluster.client_connection_file
    try:
        with Proxy(read_connection_file(file).port) as proxy, Client(file, timeout=SECONDS) as rc:
            place = through(proxy, file.replace("-client", "-engine"), tmp_path / "engine.json")
            engine = Command("ipengine", f"--file={place}")
            rc.wait_for_engines(1, timeout=SECONDS)
            kept, released = (rc.publish(np.full(MIB, number, np.uint8)) for number in (1, 2))
            assert rc[0].apply_sync(lambda x, y: int(x[0] + y[0]), kept, released) == 3
            digests = hash_of(kept), hash_of(released)
            proxy.cut()
            released.release()
            gc.collect()
            waiting = rc[0].apply_async(int)
            assert until(lambda: rc.queue_status(0)["queue"] == 1)  # so the controller knows of the release as well
            proxy.heal()
            assert waiting.get(SECONDS) == 0
            until(lambda: rc[0].apply_sync(lambda its: list(map(published_here, its)), digests) == [True, False])
            before = proxy.carried
            assert rc[0].apply_sync(lambda x: int(x[0]), kept) == 1
            assert proxy.carried - before < MIB // 2, "it was sent again"
            engine.signal(signal.SIGTERM).close()
    finally:
        cluster.stop_cluster_sync()
