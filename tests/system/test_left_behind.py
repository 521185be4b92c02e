"""Processes that tasks leave behind end with their engine, whoever of the cluster is killed; nothing else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engineroom import Client, Cluster
from engineroom.machine.left_behind import STAYS, mark_on
from engineroom.machine.processes import start_time
from tests.patience import SECONDS, slowly
from tests.processes import descendants, with_titles
from tests.system.conftest import until
from tests.system.leaving import leave_behind, leave_on_purpose, leave_without_trace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere orphans can't be found")

ENDS_WITHIN = 3.0
"""Seconds that the documentation promises."""


def living(pids: dict[str, int]) -> dict[str, int]:
    return {what: pid for what, pid in pids.items() if start_time(pid) is not None}


@pytest.fixture
def bystander() -> Iterator[int]:
    """A process of the caller's, in a session of its own."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process.pid
    assert process.poll() is None, "the caller's own process was ended"
    process.kill()
    process.wait()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Cluster, Client]]:
    cluster = Cluster(n=2, profile_dir=tmp_path / "profile_left", restart_dead_controller=False)
    rc = cluster.start_and_connect_sync()
    rc.wait_for_engines(2, timeout=SECONDS)
    yield cluster, rc
    rc.close()
    cluster.stop_cluster_sync()


def test_an_engine_that_is_killed_takes_along_what_its_tasks_left_and_nothing_of_others(
    running: tuple[Cluster, Client], tmp_path: Path, bystander: int
) -> None:
    del bystander
    _, rc = running
    left, others = rc[:].apply_sync(leave_behind, str(tmp_path))
    kept = rc[0].apply_sync(leave_on_purpose)
    assert len(living(left)) == len(living(others)) == 6
    os.kill(rc[0].apply_sync(os.getpid), signal.SIGKILL)
    until(lambda: not living(left), slowly(ENDS_WITHIN))
    assert living(others) == others
    assert start_time(kept) is not None
    os.kill(kept, signal.SIGKILL)
    assert rc[1].apply_sync(abs, -1) == 1


def test_an_engine_that_is_restarted_leaves_nothing_even_of_what_has_no_trace_of_it(
    running: tuple[Cluster, Client], tmp_path: Path, bystander: int
) -> None:
    del bystander
    cluster, rc = running
    left = rc[0].apply_sync(leave_behind, str(tmp_path)) | {"no trace": rc[0].apply_sync(leave_without_trace)}
    cluster.restart_engines_sync()
    until(lambda: not living(left), slowly(ENDS_WITHIN))


def test_a_cluster_that_is_stopped_leaves_nothing_but_what_is_to_stay(
    running: tuple[Cluster, Client], tmp_path: Path, bystander: int
) -> None:
    del bystander
    cluster, rc = running
    left = rc[0].apply_sync(leave_behind, str(tmp_path)) | {"no trace": rc[1].apply_sync(leave_without_trace)}
    kept = rc[0].apply_sync(leave_on_purpose)
    cluster.stop_cluster_sync()
    assert living(left) == {}
    assert start_time(kept) is not None
    os.kill(kept, signal.SIGKILL)


@pytest.mark.parametrize("killed", ["host", "spawner", "controller"])
def test_whatever_is_killed_takes_along_what_tasks_left(
    running: tuple[Cluster, Client], tmp_path: Path, bystander: int, killed: str
) -> None:
    del bystander
    _, rc = running
    left = rc[0].apply_sync(leave_behind, str(tmp_path))
    engine = rc[0].apply_sync(os.getpid)
    parents = with_titles(psutil.Process(engine).parents())
    family = descendants() if killed == "controller" else parents
    next(each for each, title in family if title.startswith(f"engineroom {killed}")).kill()
    until(lambda: not living(left), slowly(ENDS_WITHIN))


def test_an_engine_without_a_host_takes_along_what_its_tasks_left(tmp_path: Path, bystander: int) -> None:
    del bystander
    cluster = Cluster(n=0, profile_dir=tmp_path / "profile_alone")
    with cluster as rc:
        engine = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("ipengine")),
                f"--profile-dir={tmp_path / 'profile_alone'}",
                f"--cluster-id={cluster.cluster_id}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        rc.wait_for_engines(1, timeout=SECONDS)
        left = rc[0].apply_sync(leave_behind, str(tmp_path))
        engine.kill()
        engine.wait()
        until(lambda: not living(left), slowly(ENDS_WITHIN))


def test_marks_are_those_of_the_engine_and_what_is_to_stay_has_none(running: tuple[Cluster, Client]) -> None:
    _, rc = running
    marks = rc[:].apply_sync(lambda: __import__("os").environ["ENGINEROOM_ENGINE"])
    assert len(set(marks)) == 2
    kept, child = rc[0].apply_sync(leave_on_purpose), rc[0].apply_sync(leave_without_trace)
    assert mark_on(kept) == ""
    assert mark_on(child) == ""
    assert mark_on(rc[0].apply_sync(os.getpid)) == marks[0]
    assert STAYS not in rc[0].apply_sync(lambda: dict(__import__("os").environ))
    os.kill(kept, signal.SIGKILL)
