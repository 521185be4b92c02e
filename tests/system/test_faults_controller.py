"""The controller dies, or the network to it is cut: who hears what and when, and what goes on afterwards."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from traitlets.config import Config

from engineroom import Client, Cluster
from engineroom.errors import ControllerLost
from engineroom.protocol.connection_files import read_connection_file
from engineroom.settings.profiles import Profile
from tests.patience import slowly
from tests.system.conftest import SECONDS, Command, until
from tests.system.held_tasks import put, wait_for_file
from tests.system.in_process import ipcluster
from tests.system.proxy import Proxy, through

Start = Callable[..., Command]


def controller_pid(connection_file: str | Path) -> int:
    record = read_connection_file(connection_file).controller
    assert record is not None
    return record.pid


def test_a_killed_controller_fails_every_waiting_future_with_the_reason(command: Start, profile: Profile) -> None:
    controller = command("ipcontroller").says("controller listens")
    engine = command("ipengine", "--IPEngine.reconnect_timeout=0.5")
    with Client(timeout=SECONDS, reconnect_timeout=0.5) as rc:
        rc.wait_for_engines(1, timeout=SECONDS)
        running = rc[0].apply_async(wait_for_file, str(profile.path / "never"))
        queued = rc[0].apply_async(abs, -1)
        balanced = rc.load_balanced_view().map_async(abs, range(100))
        controller.signal(signal.SIGKILL).ends()
        begun = time.monotonic()
        for waiting in (running, queued, balanced):
            with pytest.raises(ControllerLost, match=r"lost the controller .* could not reconnect within 0\.5 s"):
                waiting.get(timeout=SECONDS)
        assert time.monotonic() - begun < slowly(2)
        with pytest.raises(ControllerLost, match="Start one with `ipcluster start` or `ipcontroller`"):
            rc[0].apply_async(abs, -1)
    assert engine.ends() == 1
    assert "lost the controller: reconnecting" in engine.output
    assert re.search(r"no controller within \d+\.\d s", engine.output)
    assert "Traceback" not in engine.output
    clean = ipcluster("clean")  # nobody was left who could have done it
    assert clean.ends() == 0
    assert "ipcontroller.pid" in clean.output
    assert list(Path(os.environ["ENGINEROOM_SOCKET_DIR"]).glob("*.sock")) == []


def test_a_stopped_controller_fails_every_waiting_future_at_once(command: Start, profile: Profile) -> None:
    controller = command("ipcontroller").says("controller listens")
    with Client(timeout=SECONDS) as rc:
        waiting = rc.load_balanced_view().apply_async(abs, -1)
        controller.signal(signal.SIGTERM)
        with pytest.raises(ControllerLost, match="SIGTERM"):
            waiting.get(timeout=SECONDS)
    assert controller.ends() == 0


def test_a_controller_that_is_killed_and_not_restarted_ends_calls_and_cluster_with_the_reason(
    command: Start, profile: Profile
) -> None:
    start = command("ipcluster", "start", "-n", "1", "--no-restart-controller").says("stop it:")
    with Client(timeout=SECONDS) as rc:
        waiting = rc.load_balanced_view().apply_async(wait_for_file, str(profile.path / "never"))
        os.kill(controller_pid(profile.connection_file("client")), signal.SIGKILL)
        with pytest.raises(ControllerLost, match=r"the ipcontroller \(pid \d+\) ended: killed by SIGKILL"):
            waiting.get(timeout=SECONDS)
    assert start.ends() != 0
    assert "controller" in "".join(start.lines[-2:])  # what is wrong, and what to do
    assert "killed by SIGKILL" in start.output


class Far(NamedTuple):
    """A controller at the other end of a cable that can be cut. `client_file`: of a connection through it."""

    proxy: Proxy
    client_file: Path


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    """Yield a controller, and behind a cable an engine without a host and the file for clients."""
    place = tmp_path_factory.mktemp("far")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENGINEROOM_TRANSPORT", "tls")
        cluster = Cluster(profile_dir=place / "profile_far", config=Config({"IPController": {"reattach_grace": 1.0}}))
        cluster.start_controller_sync()
        client_file = cluster.client_connection_file
        with Proxy(read_connection_file(client_file).port) as proxy:
            engine_file = through(proxy, client_file.replace("-client", "-engine"), place / "engine.json")
            engines = [
                Command("ipengine", f"--file={engine_file}", f"--IPEngine.reconnect_timeout={2 * SECONDS:g}")
                for _ in range(2)
            ]
            with Client(client_file, timeout=SECONDS) as rc:
                rc.wait_for_engines(2, timeout=SECONDS)
            yield Far(proxy, through(proxy, client_file, place / "client.json"))
            for engine in engines:
                engine.signal(signal.SIGTERM).close()
        cluster.stop_cluster_sync()


@pytest.fixture
def rc(far: Far, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")
    with Client(far.client_file, timeout=SECONDS, reconnect_timeout=2 * SECONDS) as client:
        client.wait_for_engines(2, timeout=SECONDS)
        yield client
        far.proxy.heal()  # whatever the test has left


@pytest.mark.parametrize("seconds", [0.1, 1.5], ids=["shorter than the grace", "longer than the grace"])
@pytest.mark.parametrize("how", ["cut", "freeze"])
def test_a_cut_shorter_than_the_timeout_loses_nothing(
    far: Far, rc: Client, tmp_path: Path, how: str, seconds: float
) -> None:
    """Running, queued and finished-unacknowledged tasks, small and large, in both directions."""
    before = rc[:].apply_sync(os.getpid)
    marks = [tmp_path / "one", tmp_path / "two"]
    counter = tmp_path / "runs"

    def once(path: str, runs: str) -> str:
        with open(runs, "a") as file:
            file.write("x")
        return wait_for_file(path)

    running = [rc[i].apply_async(once, str(mark), str(counter)) for i, mark in enumerate(marks)]
    queued = [rc[i].apply_async(len, bytes(3_000_000)) for i in range(2)]
    balanced = rc.load_balanced_view().map_async(bytes, [1_500_000] * 4, chunksize=1)
    until(lambda: counter.exists() and counter.read_text() == "xx")
    getattr(far.proxy, how)()
    put(marks[0], "finished while cut off")  # and so nobody can have acknowledged it
    during = rc[1].apply_async(abs, -5)
    assert not during.wait(seconds)
    far.proxy.heal()
    put(marks[1], "finished afterwards")
    assert [each.get(timeout=SECONDS) for each in running] == ["finished while cut off", "finished afterwards"]
    assert [each.get(timeout=SECONDS) for each in queued] == [3_000_000] * 2
    assert list(map(len, balanced.get(timeout=SECONDS))) == [1_500_000] * 4
    assert during.get(timeout=SECONDS) == 5
    assert counter.read_text() == "xx"  # nothing ran twice
    assert rc[:].apply_async(os.getpid).get(timeout=SECONDS) == before


def test_a_cut_in_the_middle_of_a_large_transfer_loses_nothing(far: Far, rc: Client) -> None:
    data = os.urandom(1000) * 64_000
    sent = far.proxy.carried
    result = rc[0].apply_async(bytes, data)
    until(lambda: far.proxy.carried - sent > len(data) // 4)
    far.proxy.cut()
    far.proxy.heal()
    assert result.get(timeout=SECONDS) == data
    assert rc[0].apply_async(abs, -1).get(timeout=SECONDS) == 1


@pytest.mark.filterwarnings("ignore:.*is sent with the function")  # it is large on purpose
def test_a_cut_in_the_middle_of_a_large_function_loses_nothing(far: Far, rc: Client) -> None:
    data = os.urandom(1000) * 64_000

    def size() -> int:
        return len(data)

    sent = far.proxy.carried
    results = [rc[engine].apply_async(size) for engine in (0, 1)]
    until(lambda: far.proxy.carried - sent > len(data) // 4)
    far.proxy.cut()
    far.proxy.heal()
    assert [result.get(timeout=SECONDS) for result in results] == [len(data)] * 2
    assert rc[0].apply_async(abs, -1).get(timeout=SECONDS) == 1


def the_engine_has(rc: Client, engine: int, count: int) -> None:
    """Return once that many tasks are on the engine itself, and not merely sent to it by the controller.

    One more that waits there can only be withdrawn by the engine, which hears of it behind all the others.
    """
    last = rc[engine].apply_async(abs, -1)
    until(lambda: rc.queue_status()[engine]["queue"] == count + 1)
    rc.abort(last)
    assert last.wait(SECONDS)
    assert last.status == "aborted"


def test_engines_that_hold_many_tasks_come_back_with_all_of_them(far: Far, rc: Client, tmp_path: Path) -> None:
    """Far more than one message could list one by one; each runs once."""
    mark, runs, count = tmp_path / "mark", tmp_path / "runs", 3000

    def once(number: int, path: str) -> int:
        with open(path, "a") as file:
            file.write("x")
        return number

    first, second = rc.ids
    rc[:].apply_sync(once, 0, os.devnull)  # it is there from now on
    gates = [rc[first].apply_async(wait_for_file, str(mark)), rc[second].apply_async(wait_for_file, str(mark))]
    held = [rc[first].apply_async(once, number, str(runs)) for number in range(count)]
    the_engine_has(rc, first, count + 1)
    far.proxy.cut()
    put(mark, "")
    until(lambda: runs.exists() and len(runs.read_text()) > count // 2)  # so some have ended, and some may wait
    far.proxy.heal()
    assert [each.get(timeout=SECONDS) for each in held] == list(range(count))
    assert [each.get(timeout=SECONDS) for each in gates] == ["", ""]
    assert runs.read_text() == "x" * count


def test_many_tasks_are_aborted_at_once_and_nothing_else_is_lost(far: Far, rc: Client, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with Client(far.client_file, timeout=SECONDS) as other:
        rc[:].apply_sync(wait_for_file, __file__)  # its module is there from now on
        gates = [rc[i].apply_async(wait_for_file, str(mark)) for i in rc.ids]
        view, direct = rc.load_balanced_view(), rc[rc.ids[0]]
        unwanted = [each for _ in range(1000) for each in (view.apply_async(abs, -1), direct.apply_async(abs, -1))]
        wanted = [other.load_balanced_view().apply_async(abs, -2) for _ in range(10)]
        rc.abort()
        assert rc.wait(timeout=SECONDS)
        assert {each.status for each in unwanted} == {"aborted"}
        assert not any(gate.successful() for gate in gates)
        assert [each.get(timeout=SECONDS) for each in wanted] == [2] * 10
    assert rc[:].apply_async(abs, -3).get(timeout=SECONDS) == [3, 3]
