"""Results of real tasks: many, large, printed, lost."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import os
import re
import signal
import sys
import types

import psutil
import pytest

import engineroom as er
from engineroom import Client, Cluster
from tests.system.conftest import SECONDS, until
from tests.system.held_tasks import Mark, wait_for_file


def test_many_small_ones(rc: Client) -> None:
    view = rc.load_balanced_view()
    results = [view.apply_async(abs, -number) for number in range(3000)]
    assert [result.get() for result in results] == list(range(3000))
    assert {result.engine_id for result in results} == {0, 1}
    assert rc.outstanding == set()


def test_many_outstanding_cost_little_and_leave_nothing(rc: Client) -> None:
    view = rc.load_balanced_view()
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    results = [view.apply_async(abs, -number) for number in range(20_000)]
    assert process.memory_info().rss - before < 20_000 * 3500
    assert rc.wait(timeout=SECONDS)
    assert rc.outstanding == set()
    assert results[-1].get() == 19_999


def test_large_ones_there_and_back(rc: Client) -> None:
    for size in (65_536, 1 << 20, 20_000_000):
        data = os.urandom(size)
        assert rc[:].apply_sync(bytes, data) == [data, data]


def test_published_data_come_while_the_task_runs(rc: Client, mark: Mark) -> None:
    def publish(mark: str) -> str:
        import threading

        from engineroom.engine.datapub import publish_data  # as scripts import it

        publish_data({"step": 1, "best": [1.5]})
        wait_for_file(mark)
        thread = threading.Thread(target=lambda: publish_data({"step": 2}))
        thread.start()
        thread.join()
        return "done"

    single, several = rc[0].apply_async(publish, str(mark)), rc[[1]].apply_async(publish, str(mark))
    until(lambda: single.data == {"step": 1, "best": [1.5]} and several.data == [single.data])
    assert not single.done()
    mark.set()
    assert single.get() == "done"
    assert single.data == single["data"] == single.metadata.data == {"step": 2, "best": [1.5]}
    assert several.get() == ["done"]
    assert several.data == [{"step": 2, "best": [1.5]}]


def test_a_cell_publishes_and_what_is_too_large_is_its_error(rc: Client) -> None:
    cell = rc[0].execute("from engineroom.datapub import publish_data\npublish_data({'a': 1})")
    cell.get()
    assert cell.data == {"a": 1}
    assert rc[0].apply_async(abs, -1).data == {}
    with pytest.raises(ValueError, match="Publish less"):
        rc[0].execute("publish_data({'a': bytes(2**20)})").get()


def test_standard_output_comes_while_the_task_runs(rc: Client, mark: Mark) -> None:
    def talk(mark: str) -> None:
        print("first")
        print("wrong", file=sys.stderr)
        wait_for_file(mark)
        print("last")

    result = rc[0].apply_async(talk, str(mark))
    until(lambda: "first" in result.stdout)
    assert not result.done()
    mark.set()
    result.get()
    assert (result.stdout, result.stderr) == ("first\nlast\n", "wrong\n")


def test_times_make_sense(rc: Client) -> None:
    result = rc[0].apply_async(eval, "__import__('threading').Event().wait(0.1)")
    result.get()
    assert result.submitted <= result.started < result.completed <= result.received
    assert 0.1 <= result.serial_time <= result.wall_time


def test_waiting_with_the_standard_library(rc: Client) -> None:
    view = rc.load_balanced_view()
    futures = [view.apply_async(abs, number) for number in range(50)]
    assert concurrent.futures.wait(futures, SECONDS).not_done == set()

    async def gather() -> list[int]:
        return list(await asyncio.gather(*(view.apply_async(abs, -number) for number in range(50))))

    assert asyncio.run(gather()) == list(range(50))


def test_aborted_before_they_ran(rc: Client, mark: Mark) -> None:
    blocker = rc[0].apply_async(wait_for_file, str(mark))
    queued = [rc[0].apply_async(abs, number) for number in range(20)]
    rc.abort(queued)
    assert all(isinstance(result.exception(SECONDS), er.TaskAborted) for result in queued)
    mark.set()
    assert blocker.get(SECONDS) == ""


def test_a_composite_error_names_each_engine(rc: Client) -> None:
    with pytest.raises(er.CompositeError) as caught:
        rc[:].apply_sync(int, "x")
    assert [info["engine_id"] for *_, info in caught.value.elist] == [0, 1]
    with pytest.raises(ValueError, match="invalid literal"):
        caught.value.raise_exception(1)


def test_the_death_of_an_engine_is_known_at_once_with_its_cause() -> None:
    with Cluster(n=2, restart_dead_engines=False) as rc:
        pids = rc[:].apply_sync(os.getpid)
        waiting = rc[0].apply_async(eval, "__import__('threading').Event().wait(60)")
        until(waiting.running)
        os.kill(pids[0], signal.SIGKILL)
        with pytest.raises(er.EngineError, match="SIGKILL"):
            waiting.get(SECONDS)
        until(lambda: rc.ids == [1])
        with pytest.raises(IndexError, match="the engines are 1"):
            rc[0]


def test_balanced_tasks_of_a_dead_engine_run_elsewhere_unless_told_otherwise(mark: Mark) -> None:
    def slow(mark: str) -> int:
        wait_for_file(mark)
        return os.getpid()

    with Cluster(n=2, restart_dead_engines=False) as rc:
        pids = rc[:].apply_sync(os.getpid)
        view = rc.load_balanced_view()
        rerun = [view.apply_async(slow, str(mark)) for _ in range(2)]
        until(lambda: all(result.running() for result in rerun))
        os.kill(pids[0], signal.SIGKILL)
        until(lambda: rc.ids == [1])
        mark.set()
        assert [result.get(SECONDS) for result in rerun] == [pids[1], pids[1]]
        mark.clear()
        bound = rc.load_balanced_view(rerun_lost=False).apply_async(slow, str(mark))
        until(bound.running)
        os.kill(pids[1], signal.SIGKILL)
        with pytest.raises(er.EngineError):
            bound.get(SECONDS)


LIBRARY = """
import sys, types

far_library = types.ModuleType("far_library")
far_library.__version__ = "2.0"
exec("class Value: pass", vars(far_library))
far_library.Value.__module__ = "far_library"
sys.modules["far_library"] = far_library
value = far_library.Value()
"""


def test_a_result_that_cannot_be_unpacked_names_the_versions_of_both_sides(
    rc: Client, mark: Mark, monkeypatch: pytest.MonkeyPatch
) -> None:
    rc[:].execute(LIBRARY, block=True)
    python = ".".join(map(str, sys.version_info[:3]))
    there = rf"; engine 0 has far_library 2\.0, engineroom {re.escape(er.__version__)} and Python {python}"
    with pytest.raises(ModuleNotFoundError, match=f"client has no module 'far_library' .*{there}"):
        rc[0].pull("value", block=True)

    earlier = types.ModuleType("far_library")
    vars(earlier)["__version__"] = "1.0"
    monkeypatch.setitem(sys.modules, "far_library", earlier)
    here = rf"\(needed to unpack the result of engine 0, with far_library 1\.0 and Python {python}"
    with pytest.raises(AttributeError, match=here + there):
        rc[0].pull("value", block=True)

    value = rc[1].pull("value")
    value.wait(SECONDS)
    busy = rc[1].apply_async(wait_for_file, str(mark))  # it does not answer: what is known without is told
    until(busy.running)
    with pytest.raises(AttributeError, match=rf"; engine 1 has Python {sys.version_info[0]}\.{sys.version_info[1]}\)"):
        value.get()
    mark.set()
    busy.get(SECONDS)
