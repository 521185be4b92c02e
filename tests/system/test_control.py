"""What calls ask for: time, force, memory, and what their engine must have. One cluster of two engines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from traitlets.config import Config

from engineroom import Client, Cluster
from engineroom.errors import RemoteError, TaskAborted, TaskTimeout
from tests.patience import SECONDS
from tests.system.conftest import processes_of_this_run, until
from tests.system.held_tasks import Mark, wait_for_file

MIB = 2**20


@pytest.fixture(autouse=True)
def no_process_is_left() -> None:
    """Engines are started again in these tests, and outlive them: what is left is looked for at the end of the file."""


@pytest.fixture(scope="module")
def rc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Return a client of two engines that are started again, and have things to ask for."""
    config = Config(IPController={"interrupt_grace": 0.5})
    cluster = Cluster(
        n=2,
        config=config,
        profile_dir=str(tmp_path_factory.mktemp("control")),
        restart_dead_engines=True,
        resources="gpu=1,licence=2k",
        tags="big",
        engine_memory_limit="300MiB",
    )
    before = processes_of_this_run()
    with cluster as client:
        client.wait_for_engines(2, timeout=SECONDS)
        yield client
    until(lambda: not processes_of_this_run().keys() - before.keys())


def nothing() -> None:
    """End at once."""


def loop() -> None:
    while True:
        pass


def sleep() -> None:
    import threading

    threading.Event().wait(60)


async def sleep_async() -> None:
    import asyncio

    await asyncio.Event().wait()


def catch_it() -> str:
    import threading

    try:
        threading.Event().wait(60)
    except KeyboardInterrupt:
        return "what there is"
    return "no"


def stubborn() -> None:
    import threading

    while True:
        with contextlib.suppress(BaseException):
            threading.Event().wait(1)


def hold_the_lock() -> None:
    import re

    re.match(r"(a*)*$", "a" * 40 + "b")


def grow(catches: bool) -> None:
    import threading

    kept = []
    while len(kept) < 100:  # a bound, if nothing else ends it
        try:
            kept.append(bytearray(8 * 2**20))
            threading.Event().wait(0.02)
        except BaseException:
            if not catches:
                raise


def all_are_back(rc: Client) -> None:
    """Wait until both engines are there, and have imported this module, which takes them a while."""

    def answer() -> bool:
        with contextlib.suppress(RemoteError):  # one is about to end, perhaps
            return rc.ids == [0, 1] and rc[:].apply_sync(nothing) == [None, None]
        return False

    until(answer)


@pytest.mark.parametrize("task", [loop, sleep, sleep_async])
def test_a_task_ends_at_its_time_limit_and_its_engine_goes_on(rc: Client, task: Any) -> None:
    pids = rc[:].apply_sync(__import__("os").getpid)
    for view in (rc.load_balanced_view(time_limit=0.1), rc[0].with_flags(time_limit=0.1)):
        with pytest.raises(TaskTimeout, match=r"was interrupted after .* s because its time limit is 0\.1 s") as caught:
            view.apply_sync(task)
        assert isinstance(caught.value, RemoteError)
    assert rc[:].apply_sync(__import__("os").getpid) == pids


def test_cells_and_maps_have_time_limits(rc: Client) -> None:
    with pytest.raises(TaskTimeout):
        rc[1].with_flags(time_limit=0.1).execute("while True: pass", block=True).get()
    results = rc.load_balanced_view(time_limit=0.1).map_async(
        lambda x: x or __import__("threading").Event().wait(60), [1, 0, 2]
    )
    one, late, two = results.get(return_exceptions=True)
    assert (one, two) == (1, 2)
    assert isinstance(late, TaskTimeout)


def test_a_task_may_make_something_of_its_interrupt(rc: Client) -> None:
    all_are_back(rc)
    assert rc.load_balanced_view(time_limit=1).apply_sync(catch_it) == "what there is"


def test_the_wait_for_an_engine_does_not_count(rc: Client, mark: Mark) -> None:
    held = rc[:].apply_async(wait_for_file, str(mark))
    limited = rc.load_balanced_view(time_limit=5.0).apply_async(abs, -1)
    quick = rc[0].with_flags(time_limit=0.01).apply_async(abs, -2)
    until(lambda: held.running())
    mark.set()
    assert (limited.get(SECONDS), quick.get(SECONDS)) == (1, 2)


@pytest.mark.parametrize("task", [stubborn, hold_the_lock])
def test_a_task_that_goes_on_costs_its_engine_and_nothing_else(rc: Client, task: Any) -> None:
    all_are_back(rc)
    limited = rc.load_balanced_view(time_limit=0.2, on_time_limit="restart").apply_async(task)
    others = rc.load_balanced_view().map_async(lambda x: __import__("threading").Event().wait(0.05) or x, range(20))
    with pytest.raises(TaskTimeout, match=r"time limit of 0\.2 s and was interrupted, .* engine \d was restarted"):
        limited.get(SECONDS)
    assert others.get(SECONDS) == list(range(20))
    all_are_back(rc)


def test_cancel_with_force_ends_what_does_not_end(rc: Client) -> None:
    all_are_back(rc)
    task = rc[0].apply_async(stubborn)
    until(task.running)
    assert task.cancel(force=True) is False
    with pytest.raises(TaskAborted, match=r"it was cancelled and interrupted, but it did not end within 0\.5 s"):
        task.get(SECONDS)
    all_are_back(rc)
    assert rc[0].apply_sync(abs, -1) == 1


@pytest.mark.parametrize("catches", [False, True])
def test_a_task_that_takes_too_much_memory_fails_with_the_size(rc: Client, catches: bool) -> None:
    all_are_back(rc)
    with pytest.raises(MemoryError, match=r"the engine took [3-9]\d\d MiB .* its limit is 300 MiB") as caught:
        rc.load_balanced_view().apply_sync(grow, catches)
    assert ("so the engine was ended" in str(caught.value)) is catches
    all_are_back(rc)
    assert rc[:].apply_sync(abs, -1) == [1, 1]


def test_engines_have_what_their_cluster_says(rc: Client) -> None:
    all_are_back(rc)
    needs = rc.load_balanced_view(gpu=1, memory="300MiB", tag="big", resources={"licence": 2000})
    assert needs.apply_sync(abs, -1) == 1
    for lacking in ({"gpu": 2}, {"memory": "301MiB"}, {"tag": "small"}):
        waits = rc.load_balanced_view(**lacking).apply_async(abs, -1)
        rc.queue_status()  # its answer comes after what the controller decided at once
        assert not waits.done()
        assert waits.cancel()
