"""A controller that is killed and started again with --restore: what runs goes on, and the account is right."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engineroom import Client
from engineroom.protocol.connection_files import read_connection_file
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import Command, until
from tests.system.held_tasks import Mark
from tests.system.noting import note_and_wait

Start = Callable[..., Command]

OPTIONS = ("--restore", "--sqlitedb")


class Scene:
    """A controller and two engines, each a command of its own, and a client; `runs`: a line for each task that ran."""

    def __init__(self, command: Start, profile: Profile, runs: Path) -> None:
        self._command, self._file = command, profile.connection_file("client")
        self.runs = runs
        self.controller = self._start()
        self.engines = [command("ipengine", f"--id={number}") for number in range(2)]
        self.rc = Client(timeout=SECONDS, reconnect_timeout=SECONDS)
        self.rc.wait_for_engines(2, timeout=SECONDS)

    def _start(self) -> Command:
        return self._command("ipcontroller", *OPTIONS).says("ready: engines by")

    @property
    def port(self) -> int:
        return read_connection_file(self._file).port

    def kill(self) -> None:
        self.controller.signal(signal.SIGKILL).ends()

    def restore(self) -> None:
        self.controller = self._start()

    def ran(self) -> list[str]:
        return sorted(self.runs.read_text().split()) if self.runs.exists() else []

    def end(self) -> None:
        self.rc.shutdown(hub=True)
        self.controller.succeeds()
        self.rc.close()
        for engine in self.engines:
            engine.ends()


@pytest.fixture
def scene(command: Start, profile: Profile, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(command, profile, tmp_path / "runs")
    yield scene
    scene.end()


def test_whoever_is_killed_every_task_ends_and_none_is_unaccounted_for(scene: Scene, mark: Mark) -> None:
    the_controller_alone(scene, mark)
    mark.clear()
    scene.runs.unlink()
    an_engine_while_there_is_no_controller(scene, mark)
    audit = scene.rc.audit()
    assert not (audit["missing"] or audit["twice"] or audit["damaged"]), str(audit)
    assert audit["submitted"] + audit["missed"] + audit["unwritten"] == 33, repr(dict(audit))
    assert not audit["missed"], repr(dict(audit))
    assert not audit["pending"], repr(dict(audit))


def the_controller_alone(scene: Scene, mark: Mark) -> None:
    """What runs goes on and what waits runs later, once; engines keep what they know."""
    rc, runs, port = scene.rc, str(scene.runs), scene.port
    rc[:].push({"kept": 7}, block=True)
    running = rc[:].apply_async(note_and_wait, runs, "running", str(mark))
    until(lambda: scene.ran() == ["running"] * 2)
    queued = [rc[number % 2].apply_async(note_and_wait, runs, f"queued{number}") for number in range(4)]
    balanced = rc.load_balanced_view().map_async(abs, range(20), chunksize=1)
    scene.kill()
    mark.set()
    scene.restore()

    pids = running.get(timeout=SECONDS)
    assert [each.get(timeout=SECONDS) for each in queued] == pids * 2
    assert balanced.get(timeout=SECONDS) == list(range(20))
    assert scene.ran() == ["queued0", "queued1", "queued2", "queued3", "running", "running"]
    assert rc[:].pull("kept").get(timeout=SECONDS) == [7, 7]
    assert scene.port == port


def an_engine_while_there_is_no_controller(scene: Scene, mark: Mark) -> None:
    """What was balanced runs again on the other one, and what is bound to the dead one ends and names it."""
    rc, runs = scene.rc, str(scene.runs)
    view = rc.load_balanced_view()
    first = [view.apply_async(note_and_wait, runs, "first", str(mark)) for _ in range(2)]
    until(lambda: scene.ran() == ["first"] * 2)
    bound = rc[1].apply_async(note_and_wait, runs, "bound")
    port = scene.port
    scene.kill()
    scene.engines[1].signal(signal.SIGKILL).ends()
    mark.set()
    with socket.create_server(("127.0.0.1", port)):  # somebody else takes its port meanwhile
        scene.restore()
    scene.controller.says(f"port {port} is in use by process {os.getpid()} (")
    assert scene.port != port

    assert len({each.get(timeout=SECONDS) for each in first}) == 1
    with pytest.raises(Exception, match="engine 1 ") as caught:
        bound.get(timeout=SECONDS)
    assert "died" in str(caught.value) or "is gone" in str(caught.value)
    assert scene.ran() == ["first"] * 3
    assert rc.ids == [0]
