"""Engines and controllers that are alive and do not answer: whoever waits for them is told, and nothing is lost."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from engineroom import AsyncResult, Client, Cluster
from engineroom.cluster.records.pid_records import read
from engineroom.cluster.why import report as why_report
from engineroom.cluster.why.report import as_text
from engineroom.settings.profiles import Profile
from tests.system.conftest import SECONDS, until

UNRESPONSIVE = 2.0


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def start(profile: Path, **options: Any) -> Cluster:
    config = Config({"IPController": {"unresponsive": UNRESPONSIVE, **options}})
    cluster = Cluster(n=2, profile_dir=profile, config=config)
    cluster.start_cluster_sync()
    return cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield a cluster of two engines, of which one that does not answer for two seconds is unresponsive."""
    cluster = start(tmp_path_factory.mktemp("cluster") / "profile_module")
    yield cluster
    cluster.stop_cluster_sync()


@pytest.fixture
def pids(rc: Client) -> list[int]:
    return list(rc[:].apply_async(os.getpid).get(timeout=SECONDS))


def controller_of(cluster: Cluster) -> int:
    """Return the pid of a cluster's controller."""
    record = read(Profile(Path(cluster.profile_dir)).pid_file("ipcontroller", cluster.cluster_id))
    assert record is not None
    return record.pid


def answer(cluster: Cluster) -> str:
    return as_text(why_report.why(Profile(Path(cluster.profile_dir)), cluster.cluster_id)).partition("steps:")[0]


def why_not(result: AsyncResult[Any]) -> str:
    """Return why there is no result yet."""
    with pytest.raises(TimeoutError) as raised:
        result.get(timeout=UNRESPONSIVE / 2)
    return str(raised.value)


def unresponsive(rc: Client) -> dict[int, float]:
    return {
        id_: its["unresponsive"] for id_, its in rc.queue_status().items() if isinstance(its, dict) and len(its) > 3
    }


def test_a_stopped_engine_is_told_of_to_all_who_wait_and_goes_on(rc: Client, cluster: Cluster, pids: list[int]) -> None:
    with stopped(pids[1]):
        waiting = [rc[1].apply_async(os.getpid), *(rc.load_balanced_view([1]).apply_async(os.getpid) for _ in range(2))]
        until(lambda: unresponsive(rc))
        for each in waiting:
            until(lambda each=each: re.search(r"engine 1 has not answered for \d+ s .*SIGCONT.*SIGKILL", why_not(each)))
        assert rc.load_balanced_view().apply_async(os.getpid).get(timeout=SECONDS) == pids[0]
        assert rc.ids == [0, 1]
        assert answer(cluster).startswith(f"engine 1 (process {pids[1]}) is stopped, by SIGSTOP or Ctrl-Z")
        assert f"kill -CONT {pids[1]}" in answer(cluster)
    assert {each.get(timeout=SECONDS) for each in waiting} == {pids[1]}
    until(lambda: not unresponsive(rc))
    assert "all is well" in answer(cluster)


def test_a_stopped_host_is_told_of_and_engines_go_on(rc: Client, cluster: Cluster, pids: list[int]) -> None:
    record = read(Profile(Path(cluster.profile_dir)).pid_file("ipcluster", cluster.cluster_id))
    assert record is not None
    with stopped(record.pid):
        until(lambda: rc.queue_status().get("unresponsive_hosts"))
        [words] = rc.queue_status()["unresponsive_hosts"]
        assert re.fullmatch(
            rf"the ipcluster process {record.pid} that started engines 0, 1 has not answered for \d+ s: "
            "engines run on, but are not restarted or signalled",
            words,
        )
        assert answer(cluster).startswith(f"the ipcluster process {record.pid} is stopped, by SIGSTOP or Ctrl-Z")
        assert sorted(rc[:].apply_sync(os.getpid)) == sorted(pids)
    until(lambda: "unresponsive_hosts" not in rc.queue_status())


def test_a_busy_engine_is_not_called_unresponsive_and_one_whose_c_code_holds_the_lock_is(rc: Client) -> None:
    def compute(seconds: float) -> None:
        import time

        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass

    def hold_the_lock(seconds: float) -> int:
        import ctypes

        return int(ctypes.PyDLL(None).usleep(int(seconds * 1e6)))

    busy, holding = rc[0].apply_async(compute, 1.5 * UNRESPONSIVE), rc[1].apply_async(hold_the_lock, 2 * UNRESPONSIVE)
    seen = set[int]()
    while not (busy.ready() and holding.ready()):
        seen |= unresponsive(rc).keys()
        with contextlib.suppress(TimeoutError):
            rc.wait([busy, holding], timeout=0.2)
    assert (busy.get(), holding.get()) == (None, 0)
    assert seen == {1}


def test_a_stopped_controller_is_told_of(
    rc: Client,
    cluster: Cluster,
    pids: list[int],
) -> None:
    controller = controller_of(cluster)
    with stopped(controller):
        waiting = rc[0].apply_async(os.getpid)
        until(lambda: re.search(r"the controller has not answered for \d+ s .*ipcluster why", why_not(waiting)))
        assert f"the controller (process {controller}) is stopped" in answer(cluster)
    assert waiting.get(timeout=SECONDS) == pids[0]
    assert rc[:].apply_async(os.getpid).get(timeout=SECONDS) == pids


def test_with_a_timeout_its_tasks_run_elsewhere(tmp_path: Path) -> None:
    cluster = start(tmp_path / "profile_impatient", unresponsive_timeout=2 * UNRESPONSIVE)
    try:
        with cluster.connect_client_sync() as rc:
            pids = list(rc[:].apply_async(os.getpid).get(timeout=SECONDS))
            with stopped(pids[0]):
                balanced = [rc.load_balanced_view().apply_async(os.getpid) for _ in range(4)]
                assert {each.get(timeout=SECONDS) for each in balanced} == {pids[1]}
                until(lambda: rc.ids == [1])
    finally:
        cluster.stop_cluster_sync()
