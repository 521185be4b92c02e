"""Engines that share a machine with each other, but no memory with the controller: one copy comes for all of them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from engineroom import Client, Cluster, Reference
from engineroom.protocol.connection_files import read_connection_file
from tests.patience import SECONDS, slowly
from tests.system.conftest import Command, until
from tests.system.proxy import Proxy, through
from tests.system.test_shared_memory import looks

MIB = 2**20


class Far(NamedTuple):
    """A client of a controller, which has three engines behind a cable."""

    rc: Client
    proxy: Proxy


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    place = tmp_path_factory.mktemp("far")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENGINEROOM_TRANSPORT", "tls")
        cluster = Cluster(profile_dir=place / "profile_far", controller_args=["--nodb"])
        cluster.start_controller_sync()
        client_file = cluster.client_connection_file
        with Proxy(read_connection_file(client_file).port) as proxy, Client(client_file, timeout=SECONDS) as rc:
            engine_file = through(proxy, client_file.replace("-client", "-engine"), place / "engine.json")
            engines = [Command("ipengine", f"--file={engine_file}") for _ in range(3)]
            rc.wait_for_engines(3, timeout=SECONDS)
            yield Far(rc, proxy)
            for engine in engines:
                engine.signal(signal.SIGTERM).close()
        cluster.stop_cluster_sync()


def carries(pid: int, size: int) -> bool:
    """Return whether a process has so much memory of its own, or more, that others may map."""
    for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
        if "memfd:engineroom-payload" in line and " rw-s " in line:
            first, last = (int(each, 16) for each in line.split()[0].split("-"))
            if last - first >= size:
                return True
    return False


def test_one_copy_comes_for_all_and_each_may_change_its_own(far: Far) -> None:
    rc, proxy = far
    data: Any = np.random.default_rng(1).integers(0, 255, 16 * MIB, dtype=np.uint8)
    before = proxy.carried
    rc[:].push({"shared": data}, block=True)
    assert proxy.carried - before < 1.2 * len(data)

    seen = rc[:].apply_sync(looks, Reference("shared"))
    assert {(first, last, writable) for first, last, writable, _ in seen} == {(int(data[0]), int(data[-1]), True)}
    assert len({inode for *_, inode in seen}) == 1
    rc[0].execute("shared[:] = 7", block=True)
    assert rc[:].apply_sync(lambda its: int(its.sum()), Reference("shared"))[1:] == [int(data.sum())] * 2


def test_a_function_with_large_data_comes_once_as_well(far: Far) -> None:
    rc, proxy = far
    table = np.random.default_rng(2).integers(0, 255, 8 * MIB, dtype=np.uint8)
    before = proxy.carried
    assert rc[:].apply_sync(lambda: int(table.sum())) == [int(table.sum())] * 3
    assert proxy.carried - before < 1.2 * len(table)


def test_when_the_carrier_is_killed_in_the_middle_the_others_get_it(far: Far) -> None:
    rc, _ = far
    pids = dict(zip(rc.ids, rc[:].apply_sync(os.getpid), strict=True))
    data: Any = np.random.default_rng(3).integers(0, 255, 64 * MIB, dtype=np.uint8)
    pushed = rc[:].push({"late": data}, block=False)
    carrier = until(lambda: [engine for engine, pid in pids.items() if carries(pid, len(data))])[0]
    os.kill(pids[carrier], signal.SIGKILL)
    pushed.wait(SECONDS)
    others = [engine for engine in pids if engine != carrier]
    assert rc[others].apply_sync(lambda its: int(its.sum()), Reference("late")) == [int(data.sum())] * 2


def test_when_the_carrier_is_stopped_in_the_middle_the_others_wait_a_second_for_it(far: Far) -> None:
    rc, proxy = far
    pids = dict(zip(rc.ids, rc[:].apply_sync(os.getpid), strict=True))
    data: Any = np.random.default_rng(4).integers(0, 255, 64 * MIB, dtype=np.uint8)
    begun, pushed = proxy.carried, rc[:].push({"stopped": data}, block=False)
    carrier = until(lambda: [engine for engine, pid in pids.items() if carries(pid, len(data))])[0]
    os.kill(pids[carrier], signal.SIGSTOP)
    try:
        assert proxy.carried - begun < len(data), "it was stopped too late"
        start, others = time.monotonic(), [pid for engine, pid in pids.items() if engine != carrier]
        until(lambda: any(carries(pid, len(data)) for pid in others))
        assert time.monotonic() - start < slowly(0.8)  # where only the network could be to blame, it is 10 s
        until(lambda: pushed.progress == len(others))
    finally:
        os.kill(pids[carrier], signal.SIGCONT)
    pushed.get(SECONDS)
    assert rc[:].apply_sync(lambda its: int(its.sum()), Reference("stopped")) == [int(data.sum())] * len(pids)
