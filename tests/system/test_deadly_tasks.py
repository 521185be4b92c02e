"""Tasks that end their engines, in every way in which a process ends: one engine is always left, or every call ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engineroom import Client, Cluster
from engineroom.errors import EngineError, NoEnginesRegistered, RemoteError
from tests.patience import SECONDS, looks, slowly
from tests.system.conftest import until
from tests.system.deadly import deadly, end_by, note_and_wait
from tests.system.held_tasks import Mark, wait_for_file


@pytest.fixture
def pair(cluster: Cluster, rc: Client) -> Iterator[list[int]]:
    """Yield the ids of two engines that the test may end."""
    before = set(rc.ids)
    cluster.start_engines_sync(2)
    until(lambda: len(set(rc.ids) - before) == 2)
    yield sorted(set(rc.ids) - before)
    if left := sorted(set(rc.ids) - before):
        rc.shutdown(left, block=True)


WAYS = ["exit code 3", "exit code 0", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"]


@pytest.mark.parametrize("way", WAYS)
def test_one_deadly_item_ends_one_engine_of_two_and_the_other_does_the_rest(
    way: str, pair: list[int], rc: Client
) -> None:
    items = [(number, way if number == 5 else "") for number in range(12)]

    results = rc.load_balanced_view(pair).map_async(deadly, items, chunksize=1).get(SECONDS, return_exceptions=True)

    assert [number for number, result in enumerate(results) if number == result] == [*range(5), *range(6, 12)]
    assert isinstance(results[5], EngineError)
    assert isinstance(results[5], RemoteError)
    assert way in str(results[5])
    assert "will not run again: engine " in str(results[5])
    until(lambda: len(set(rc.ids) & set(pair)) == 1)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_killed_from_outside_runs_again_on_the_last_engine(
    signum: int, pair: list[int], rc: Client, tmp_path: Path
) -> None:
    mark, begun = Mark(tmp_path / "mark"), tmp_path / "begun"
    pids = {rc[engine].apply_sync(os.getpid) for engine in pair}
    ar = rc.load_balanced_view(pair).apply_async(note_and_wait, str(begun), str(mark))
    until(lambda: begun.exists() and begun.read_text())
    first = int(begun.read_text())
    assert first in pids

    os.kill(first, signum)
    until(lambda: int(begun.read_text()) != first)
    mark.set()

    assert ar.get(SECONDS) in pids - {first}


def test_an_item_ends_no_more_engines_than_it_may(tmp_path: Path) -> None:
    with Cluster(n=4, profile_dir=tmp_path / "profile_four", restart_dead_engines=False) as rc:
        with pytest.raises(EngineError, match="SIGSEGV") as caught:
            rc.load_balanced_view().apply_async(end_by, "SIGSEGV").get(SECONDS)
        assert str(caught.value).count("killed by SIGSEGV") == 3
        assert rc.load_balanced_view().apply_async(abs, -1).get(SECONDS) == 1
        assert len(rc.ids) == 1


FORMS: dict[str, Callable[[Client], Any]] = {
    "apply": lambda rc: rc.load_balanced_view().apply_async(abs, -1).get(SECONDS),
    "map": lambda rc: rc.load_balanced_view().map_async(abs, range(10)).get(SECONDS),
    "imap": lambda rc: list(rc.load_balanced_view().imap(abs, range(10))),
    "executor": lambda rc: rc.executor().submit(abs, -1).result(SECONDS),
    "push": lambda rc: rc[:].push({"a": 1}, block=True),
    "execute": lambda rc: rc[:].execute("a = 1", block=True),
}


def test_when_a_task_has_ended_both_engines_all_calls_end_and_new_engines_do_new_ones(tmp_path: Path) -> None:
    cluster = Cluster(n=2, profile_dir=tmp_path / "profile_both", restart_dead_engines=False)
    with cluster as rc:
        lbv = rc.load_balanced_view()
        fatal = rc[:].apply_async(end_by, "exit code 3")
        waiting = [lbv.apply_async(abs, -number) for number in range(20)]
        with pytest.raises(EngineError, match="exit code 3"):
            fatal.get(SECONDS)
        died = time.monotonic()
        results = [ar.get(SECONDS, return_exceptions=True) for ar in waiting]
        assert {type(result) for result in results} <= {int, NoEnginesRegistered}
        assert time.monotonic() - died <= slowly(2.0)
        for call in FORMS.values():
            begun = time.monotonic()
            with pytest.raises(
                NoEnginesRegistered, match=r"there are no engines left \(engine [01]: exit code 3; "
            ) as no:
                call(rc)
            assert time.monotonic() - begun <= slowly(2.0)
            assert f"--cluster-id={cluster.cluster_id}" in str(no.value)
            assert "`ipcluster engines -n 2 " in str(no.value)
        assert rc.queue_status()["unassigned"] == 0
        cluster.start_engines_sync(1)
        rc.wait_for_engines(1, timeout=SECONDS)
        assert lbv.apply_async(abs, -1).get(SECONDS) == 1
        assert rc.ids == [2]


def test_with_restart_a_deadly_task_is_tried_on_new_lives_and_the_others_wait_for_them(tmp_path: Path) -> None:
    with Cluster(n=1, profile_dir=tmp_path / "profile_restart") as rc:
        lbv = rc.load_balanced_view(targets=[0])
        fatal, other = lbv.apply_async(end_by, "SIGABRT"), lbv.apply_async(abs, -1)
        with pytest.raises(EngineError, match="killed by SIGABRT") as caught:
            fatal.get(SECONDS)
        assert str(caught.value).count("SIGABRT") == 3
        assert other.get(SECONDS) == 1
        rc.wait_for_engines(1, timeout=SECONDS)
        assert lbv.apply_async(abs, -2).get(SECONDS) == 2


def test_while_engines_are_restarted_on_demand_calls_wait_for_them(tmp_path: Path) -> None:
    cluster = Cluster(n=2, profile_dir=tmp_path / "profile_demand")
    with cluster as rc:
        before = set(rc[:].apply_sync(os.getpid))
        calls = []

        async def both() -> None:
            import asyncio

            restarting = asyncio.create_task(cluster.restart_engines())
            async for _ in looks():
                calls.append(rc.load_balanced_view().apply_async(os.getpid))
                if restarting.done():
                    break
            await restarting

        import asyncio

        asyncio.run(both())
        pids = {call.get(SECONDS) for call in calls}
        assert pids - before, "none was made while they restarted"


def test_a_signal_that_does_not_exist_ends_nothing(cluster: Cluster, rc: Client) -> None:
    pids = rc[:].apply_sync(os.getpid)
    for wrong in (999, 0, -1, 65, "SIGFOO"):
        for send in (rc.send_signal, cluster.signal_engines_sync):
            with pytest.raises(ValueError, match="is not a signal"):
                send(wrong)
    for send in (rc.send_signal, cluster.signal_engines_sync):
        with pytest.raises(TypeError):
            send(True)

    assert rc[:].apply_sync(os.getpid) == pids


@pytest.mark.parametrize("by", ["the client", "the cluster"])
def test_an_interrupt_right_after_a_call_is_not_lost(by: str, cluster: Cluster, rc: Client, mark: Mark) -> None:
    for _ in range(5):
        ar = rc[:].apply_async(wait_for_file, str(mark))
        if by == "the client":
            rc.send_signal("int")
        else:
            cluster.signal_engines_sync(signal.SIGINT)
        with pytest.raises(RemoteError, match="KeyboardInterrupt"):
            ar.get(SECONDS)
    assert rc[:].apply_sync(abs, -1) == [1, 1]
