"""Engines that die, stop, leave, fork, or are kept busy by C code: what the client hears, and how soon."""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from engineroom import Client, Cluster
from engineroom.core.limits import Limits
from engineroom.errors import EngineError, NoEnginesRegistered
from tests.patience import slowly
from tests.system.conftest import SECONDS, until
from tests.system.deadly import leave, segfault
from tests.system.held_tasks import for_ever, hold

KNOWN = 0.3
"""Seconds within which the client knows of a death on its machine, and of its cause."""


@pytest.fixture
def start(cluster: Cluster, rc: Client) -> Iterator[Callable[[int], list[int]]]:
    """Yield what starts so many more engines, that the test may end, and returns their ids."""
    before = set(rc.ids)

    def start_engines(n: int) -> list[int]:
        there = set(rc.ids)
        cluster.start_engines_sync(n)
        until(lambda: len(set(rc.ids) - there) == n)
        return sorted(set(rc.ids) - there)

    yield start_engines
    if left := sorted(set(rc.ids) - before):
        rc.shutdown(left, block=True)


@pytest.fixture
def engine(start: Callable[[int], list[int]]) -> int:
    """Return the id of an engine that the test may end."""
    return start(1)[0]


@pytest.fixture
def pid(rc: Client, engine: int) -> int:
    return int(rc[engine].apply_async(os.getpid).get(timeout=SECONDS))


def abort() -> None:
    os.abort()


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        (segfault, "killed by SIGSEGV"),
        (abort, "killed by SIGABRT"),
        (leave, "exit code 3"),
        (kill_itself, "killed by SIGKILL"),
    ],
)
def test_code_that_ends_its_engine_ends_in_an_error_that_says_how(
    rc: Client, engine: int, end: Any, cause: str
) -> None:
    with pytest.raises(EngineError, match=rf"engine {engine} on \S+ died \({cause}.*\) (while|before)"):
        rc[engine].apply_async(end).get(timeout=SECONDS)
    assert rc[0].apply_async(abs, -1).get(timeout=SECONDS) == 1


def seconds_until_known(rc: Client, engine: int) -> float:
    """Kill an engine; return how long it took until its calls had ended, with the cause."""
    pid = rc[engine].apply_async(os.getpid).get(timeout=SECONDS)
    running, queued = rc[engine].apply_async(for_ever), rc[engine].apply_async(abs, -1)
    begun = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    for waiting in (running, queued):
        # On a busy machine the engine may be dead before the controller has heard of the tasks.
        with pytest.raises(EngineError, match=rf"engine {engine} (on \S+ died|is gone) \(killed by SIGKILL.*\)"):
            waiting.get(timeout=SECONDS)
    took = time.monotonic() - begun
    assert engine not in rc.ids
    return took


def test_a_killed_engine_is_known_at_once_with_its_cause(rc: Client, start: Callable[[int], list[int]]) -> None:
    # What waits for a time-out is never quick, however quiet the machine; what does not is so once, however busy.
    assert min(seconds_until_known(rc, engine) for engine in start(3)) < Limits().host_seconds / 2


def test_balanced_tasks_of_a_killed_engine_run_elsewhere(rc: Client, engine: int, pid: int, tmp_path: Path) -> None:
    def slow(item: int, mark: str) -> int:
        import threading
        from pathlib import Path

        Path(mark).touch()
        threading.Event().wait(0.01)
        return item

    mark = tmp_path / "mark"
    view = rc.load_balanced_view([0, engine])
    results = view.map_async(slow, range(100), [str(mark)] * 100, chunksize=1)
    until(mark.exists)
    os.kill(pid, signal.SIGKILL)
    assert results.get(timeout=SECONDS) == list(range(100))


def test_a_task_that_kills_engines_is_contained_and_blamed(rc: Client, start: Callable[[int], list[int]]) -> None:
    victims = start(5)
    others = set(rc.ids) - set(victims)
    result = rc.load_balanced_view(victims).apply_async(segfault)
    blamed = r"this task was running when engine \d+ on \S+ \(killed by SIGSEGV\), engine \d+"
    with pytest.raises(EngineError, match=blamed):
        result.get(timeout=SECONDS)
    assert len(set(rc.ids) & set(victims)) >= 1
    assert others <= set(rc.ids)


def test_a_stopped_engine_goes_on_when_it_is_thawed(rc: Client, engine: int, pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    try:
        frozen = rc[engine].apply_async(os.getpid)
        assert rc[0].apply_async(abs, -1).get(timeout=SECONDS) == 1
        balanced = rc.load_balanced_view().map_async(abs, range(50))
        assert not frozen.ready()
        assert engine in rc.ids
    finally:
        os.kill(pid, signal.SIGCONT)
    assert frozen.get(timeout=SECONDS) == pid
    assert balanced.get(timeout=SECONDS) == list(range(50))


def test_a_child_that_a_task_forks_is_no_engine(rc: Client, engine: int, pid: int) -> None:
    def fork() -> tuple[int, str]:
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.write(write, b"from the child")
            os._exit(7)
        said = os.read(read, 100).decode()
        os.close(read)
        os.close(write)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said

    assert rc[engine].apply_async(fork).get(timeout=SECONDS) == (7, "from the child")
    assert rc[engine].apply_async(os.getpid).get(timeout=SECONDS) == pid


@pytest.mark.parametrize(("end", "code"), [("return", 0), ("exit", 5), ("raise", 1)])
def test_a_child_ends_with_its_part_of_the_task(rc: Client, engine: int, pid: int, end: str, code: int) -> None:
    def fork() -> int:
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print("child", flush=True)
        if end == "exit":
            raise SystemExit(5)
        if end == "raise":
            raise ValueError("in the child")
        return -1

    assert rc[engine].apply_async(fork).get(timeout=SECONDS) == code
    assert rc[engine].apply_async(os.getpid).get(timeout=SECONDS) == pid


def test_processes_of_multiprocessing_work_in_a_task(rc: Client, engine: int, pid: int) -> None:
    def pool() -> list[int]:
        import multiprocessing

        with multiprocessing.get_context("fork").Pool(2) as workers:
            return workers.map(abs, [-1, -2, -3])

    assert rc[engine].apply_async(pool).get(timeout=SECONDS) == [1, 2, 3]
    assert rc[engine].apply_async(os.getpid).get(timeout=SECONDS) == pid


def test_a_child_left_behind_does_not_hide_its_engines_death(rc: Client, engine: int, pid: int) -> None:
    def orphan() -> int:
        child = os.fork()
        if not child:
            signal.pause()
            os._exit(0)
        return child

    child = rc[engine].apply_async(orphan).get(timeout=SECONDS)
    waiting = rc[engine].apply_async(for_ever)
    begun = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    try:
        with pytest.raises(EngineError, match="killed by SIGKILL"):
            waiting.get(timeout=SECONDS)
        assert time.monotonic() - begun <= slowly(KNOWN)
    finally:
        with contextlib.suppress(ProcessLookupError):  # its engine took it along
            os.kill(child, signal.SIGKILL)


def test_when_the_last_engine_dies_calls_say_so(tmp_path: Path) -> None:
    with Cluster(n=1, profile_dir=tmp_path / "profile_last", restart_dead_engines=False) as rc:
        view = rc[:]
        with pytest.raises(EngineError, match=r"engine 0 on \S+ died \(exit code 3\)"):
            rc[0].apply_async(leave).get(timeout=SECONDS)
        until(lambda: rc.ids == [])
        with pytest.raises(NoEnginesRegistered, match="there are no engines"):
            view.apply_async(abs, -1)


def test_an_engine_whose_c_code_holds_the_lock_lives_under_a_large_push(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three times the liveness limit of a second, without a byte read, while 64 MiB are pushed to it."""
    config = Config({"HeartMonitor": {"period": 100, "max_heartmonitor_misses": 10}})
    cluster = Cluster(n=1, profile_dir=tmp_path / "profile_busy", config=config)
    with monkeypatch.context() as patch:
        patch.setenv("ENGINEROOM_TRANSPORT", "tls")  # for the engine
        cluster.start_cluster_sync()
    try:
        with cluster.connect_client_sync() as rc:
            mark = tmp_path / "mark"
            pid = rc[0].apply_async(os.getpid).get(timeout=SECONDS)
            held = rc[0].apply_async(hold, 3.0, str(mark))
            until(mark.exists)
            pushed = rc[0].with_flags(track=True).apply_async(len, memoryview(mmap.mmap(-1, 1024**2 * 64)))
            assert held.get(timeout=SECONDS) == 0
            assert pushed.get(timeout=SECONDS) == 1024**2 * 64
            assert rc[0].apply_async(os.getpid).get(timeout=SECONDS) == pid
    finally:
        cluster.stop_cluster_sync()
