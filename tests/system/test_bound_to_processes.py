"""A direct call is made for the processes that are there: it never runs in those that come later."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engineroom import Client
from engineroom.errors import EngineError, RemoteError
from engineroom.protocol.connection_files import read_connection_file
from engineroom.settings.profiles import Profile
from tests.processes import kill_each
from tests.system.conftest import SECONDS, Command, until
from tests.system.held_tasks import wait_for_file

Start = Callable[..., Command]


def note(path: str) -> None:
    with open(path, "a") as file:
        file.write("x")


def kill_all(command: Command) -> None:
    """Kill a host and everything that it has started, so that nobody can say goodbye."""
    host = psutil.Process(command.process.pid)
    everything = [*host.children(recursive=True), host]
    for process in everything:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGSTOP)
    kill_each(everything)
    psutil.wait_procs(everything[:-1], SECONDS)
    command.ends()


def test_nothing_of_a_cluster_that_died_runs_in_the_next_one(command: Start, profile: Profile, tmp_path: Path) -> None:
    """The next one has the same profile, port and keys; what any engine may run goes on there."""
    first = command("ipcluster", "start", "-n", "2", "--IPController.reuse_files=True").says("stop it:")
    runs, balanced_runs = tmp_path / "runs", tmp_path / "balanced runs"
    with Client(timeout=SECONDS, reconnect_timeout=SECONDS) as rc:
        rc.wait_for_engines(2, timeout=SECONDS)
        port = read_connection_file(profile.connection_file("client")).port
        waiting = rc[:].apply_async(wait_for_file, str(tmp_path / "never"))
        direct = [rc[number % 2].apply_async(note, str(runs)) for number in range(200)]
        direct.append(rc[:].push({"large": bytes(300_000)}))
        balanced = rc.load_balanced_view().apply_async(note, str(balanced_runs))
        kill_all(first)
        second = command("ipcluster", "start", "-n", "2", "--IPController.reuse_files=True").says("stop it:")
        assert read_connection_file(profile.connection_file("client")).port == port
        words = r"engine [01]\b.* (died|is gone) \(its process ended"
        for result in (waiting, *direct):
            with pytest.raises((EngineError, RemoteError), match=words) as caught:
                result.get(timeout=SECONDS)
            assert caught.group_contains(EngineError) if isinstance(caught.value, ExceptionGroup) else True
        rc.wait_for_engines(2, timeout=SECONDS)
        assert balanced.get(timeout=SECONDS) is None
        assert balanced_runs.read_text() == "x"
        assert rc[:].apply_sync(lambda: "large" in globals()) == [False, False]
        assert not runs.exists()
    second.signal(signal.SIGINT).ends()


def test_a_restarted_engine_runs_nothing_that_was_meant_for_its_predecessor(
    command: Start, profile: Profile, tmp_path: Path
) -> None:
    """An engine keeps its id over a restart, and nothing else."""
    controller = command("ipcontroller").says("controller listens")
    engine = command("ipengine", "--id=0")
    runs = tmp_path / "runs"
    with Client(timeout=SECONDS) as rc:
        rc.wait_for_engines(1, timeout=SECONDS)
        view = rc[0]
        pid = view.apply_sync(os.getpid)
        bound = view._bind(None)
        engine.signal(signal.SIGKILL).close()
        until(lambda: not rc.ids)
        command("ipengine", "--id=0")
        until(lambda: rc.ids == [0])
        assert view.apply_sync(os.getpid) != pid
        late = view.apply_async(note, str(runs))
        assert late.get(timeout=SECONDS) is None  # what is called now is meant for the engine that is there now
        view._bind = lambda _: bound  # type: ignore[method-assign]  # a call that was made a moment before the restart
        with pytest.raises(EngineError, match=r"engine 0 is gone \(.*\)\. The engine that has this id now is another"):
            view.apply_sync(note, str(runs))
        assert runs.read_text() == "x"
    controller.signal(signal.SIGTERM)
