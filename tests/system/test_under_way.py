"""A controller is killed and restarted by its host while all kinds of calls are under way: none is lost or run twice.

A story is told in four parts: before the kill, while there is no controller, once there is one, and when what runs may
end. All have the same cluster: engine 0 runs a cell, engine 1 a task of tasks and engines 2 and 3 what is to be
ended; the rest waits behind these.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack
from pathlib import Path

import pytest

import engineroom as er
from engineroom import Client
from engineroom.errors import RemoteError, TaskAborted, TaskTimeout
from tests.chaos.faults import CONTROLLER, HOST
from tests.chaos.victim import Victim
from tests.patience import SECONDS
from tests.system.conftest import answers, until
from tests.system.held_tasks import Mark, wait_for_file
from tests.system.noting import note

Story = Generator[None, None, None]
Tell = Callable[[Client, "Scene"], Story]

LARGE = 40 << 20
"""Bytes that take a while, two times of which the controller keeps a record."""


class Scene:
    """Where it happens. `mark`: tasks wait for it; `runs`: a line for each task that ran."""

    def __init__(self, victim: Victim, mark: Mark, place: Path, clients: ExitStack) -> None:
        self.clients = clients
        self.victim, self.mark, self.place = victim, str(mark), place
        self.runs = str(place / "runs")

    def ran(self) -> list[str]:
        return Path(self.runs).read_text().split() if Path(self.runs).exists() else []

    def client(self) -> Client:
        file = self.victim.profile.connection_file("client")
        return self.clients.enter_context(Client(file, timeout=SECONDS, reconnect_timeout=SECONDS))


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    with Victim(tmp_path, 4) as victim:
        yield victim
        victim.stop()


def a_cell_that_prints(rc: Client, scene: Scene) -> Story:
    code = f"""
import os, threading
from engineroom import publish_data
print("before"); publish_data({{"step": 1}})
while not os.path.exists({scene.mark!r}):
    threading.Event().wait(0.01)
print("after"); publish_data({{"step": 2}})
"""
    cell = rc[0].execute(code, silent=False, block=False)
    other = scene.client()
    early = other.attach(cell.msg_ids[0])
    until(lambda: "before" in early.stdout and cell.data == {"step": 1})
    yield
    yield
    other.queue_status()  # it is back: of what ends before that it would have to ask the database
    yield
    cell.get(timeout=SECONDS)
    late = scene.client().attach(cell.msg_ids[0])
    for each in (cell, early, late):
        assert each.wait(SECONDS)
    for each in (cell, early, late):
        assert each.stdout == "before\nafter\n"
    assert cell.data == {"step": 2}


def tasks_of_a_task(rc: Client, scene: Scene) -> Story:
    def parent(runs: str, mark: str) -> object:
        note(runs, "parent")
        view = er.get_client().load_balanced_view(targets=[1])
        children = [view.apply_async(note, runs, f"child{number}", number) for number in range(2)]
        last = view.apply_async(wait_for_file, mark)
        return [child.get() for child in children], last.get()

    result = rc[1].apply_async(parent, scene.runs, scene.mark)
    until(lambda: "child1" in scene.ran())
    yield
    yield
    yield
    assert result.get(timeout=SECONDS) == ([0, 1], "")
    assert sorted(each for each in scene.ran() if each.startswith(("parent", "child"))) == [
        "child0",
        "child1",
        "parent",
    ]


def a_limit_that_is_reached_meanwhile(rc: Client, scene: Scene) -> Story:
    def limited(runs: str, name: str) -> None:
        note(runs, f"{name}-begins")
        try:
            wait_for_file(f"{runs}-never")
        finally:
            note(runs, f"{name}-ends")

    view = rc.load_balanced_view(targets=[2])
    first = view.with_flags(time_limit=2.0).apply_async(limited, scene.runs, "limited")
    until(lambda: "limited-begins" in scene.ran() or first.done())
    second = rc[3].apply_async(limited, scene.runs, "cancelled")
    until(lambda: "cancelled-begins" in scene.ran())
    yield
    until(lambda: "limited-ends" in scene.ran() or first.done())
    knew = not second.cancel()  # that it runs; only if the controller had the time to say so
    later = view.with_flags(time_limit=0.2).apply_async(limited, scene.runs, "late")
    yield
    yield
    for each in (first, later):
        with pytest.raises(TaskTimeout):
            each.get(timeout=SECONDS)
    with pytest.raises(RemoteError if knew else CancelledError):
        second.get(timeout=SECONDS)
    until(lambda: "cancelled-ends" in scene.ran())


def a_chain_of_futures(rc: Client, scene: Scene) -> Story:
    view = rc.load_balanced_view()
    first = view.apply_async(wait_for_file, scene.mark)
    second = view.apply_async(lambda text, number: (text, number), first, 1)
    yield
    third = view.apply_async(lambda pair: [*pair, 2], second)
    assert not third.done()
    yield
    yield
    assert third.get(timeout=SECONDS) == ["", 1, 2]


def calls_that_wait(rc: Client, scene: Scene) -> Story:
    runs = scene.runs
    direct = [rc[number].apply_async(note, runs, f"direct{number}", number) for number in range(2)]
    both = rc.broadcast_view([0, 1]).apply_async(note, runs, "broadcast", "b")
    mapped = rc.load_balanced_view().map_async(
        lambda number: note(runs, f"mapped{number}", number), range(5), chunksize=1
    )
    yield
    meanwhile = rc[0].apply_async(note, runs, "meanwhile", "m")
    yield
    yield
    assert [each.get(timeout=SECONDS) for each in direct] == [0, 1]
    assert both.get(timeout=SECONDS) == ["b", "b"]
    assert mapped.get(timeout=SECONDS) == list(range(5))
    assert (meanwhile.get(timeout=SECONDS), mapped.progress) == ("m", 5)
    ran = scene.ran()
    assert [ran.count(name) for name in ("direct0", "direct1", "broadcast", "mapped3", "meanwhile")] == [1, 1, 2, 1, 1]


def calls_that_are_withdrawn_meanwhile(rc: Client, scene: Scene) -> Story:
    aborted = [rc[0].apply_async(note, scene.runs, "aborted") for _ in range(3)]
    cancelled = rc.load_balanced_view(targets=[1]).apply_async(note, scene.runs, "withdrawn")
    yield
    rc.abort(aborted)
    cancelled.cancel()
    yield
    for each in aborted:
        with pytest.raises(TaskAborted):
            each.get(timeout=SECONDS)
    with pytest.raises(CancelledError):
        cancelled.get(timeout=SECONDS)
    yield
    assert not {"aborted", "withdrawn"} & set(scene.ran())


def large_bodies(rc: Client, scene: Scene) -> Story:
    up = rc[1].push({"large": bytes(LARGE)}, block=False)
    down = rc[2].apply_async(bytes, LARGE)
    yield
    yield
    yield
    up.get(timeout=SECONDS)
    assert len(down.get(timeout=SECONDS)) == LARGE
    assert rc[1].pull("large.__len__()").get(timeout=SECONDS) == LARGE


def calls_that_are_kept(rc: Client, scene: Scene) -> Story:
    rc[:].push({"scale": 3}, keep=True, block=True)
    with rc[:].sync_imports(keep=True, quiet=True):
        import colorsys  # noqa: F401 (for engines)
    yield
    yield
    yield
    [pid] = answers(rc, [0], os.getpid)
    os.kill(pid, signal.SIGKILL)
    until(lambda: answers(rc, [0], os.getpid) != [pid])
    assert rc[0].pull(["scale", "colorsys.__name__"]).get(timeout=SECONDS) == [3, "colorsys"]


STORIES: list[Tell] = [
    calls_that_are_kept,
    a_cell_that_prints,
    tasks_of_a_task,
    a_limit_that_is_reached_meanwhile,
    a_chain_of_futures,
    calls_that_wait,
    calls_that_are_withdrawn_meanwhile,
    large_bodies,
]


def test_calls_under_way_outlive_their_controller(victim: Victim, mark: Mark, tmp_path: Path) -> None:
    with ExitStack() as clients:
        scene = Scene(victim, mark, tmp_path, clients)
        rc = scene.client()
        rc.wait_for_engines(4, timeout=SECONDS)
        rc[:].apply_sync(note, scene.runs, "first")  # so that the modules of this test are there
        told = [story(rc, scene) for story in STORIES]
        for story in told:
            next(story)
        victim.send(HOST, 0, signal.SIGSTOP)  # so that nobody restarts it for now
        try:
            victim.send(CONTROLLER, 0, signal.SIGKILL)
            for story in told:
                next(story)
        finally:
            victim.send(HOST, 0, signal.SIGCONT)
        for story in told:
            next(story)
        mark.set()
        for story in reversed(told):  # the first one ends an engine
            assert next(story, "told") == "told"
