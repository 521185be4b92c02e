"""How a client finds its cluster, what it can ask of it, and what it says when that is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import engineroom as er
from engineroom import Client, Cluster
from engineroom.client.client import client_of
from engineroom.client.connection.dialling import find_dial
from engineroom.client.connection.link import Dial
from engineroom.client.connection.session import Session
from engineroom.protocol.messages import Join, Welcome
from engineroom.transport.connection import Connection
from tests.system.conftest import SECONDS, until


def test_by_path_by_contents_and_by_profile(cluster: Cluster) -> None:
    path = Path(cluster.client_connection_file)
    for client in (
        Client(path),
        Client(json.loads(path.read_text())),
        Client(profile_dir=cluster.profile_dir, cluster_id=cluster.cluster_id),
        Client(cluster=cluster),
    ):
        with client:
            client.wait_for_engines(2, timeout=SECONDS)
            assert client[:].apply_sync(abs, -1) == [1, 1]


def test_over_tls(cluster: Cluster) -> None:
    info = json.loads(Path(cluster.client_connection_file).read_text())
    with Client(info | {"socket": ""}) as rc:
        assert rc[0].apply_sync(len, bytes(3_000_000)) == 3_000_000
        assert rc.load_balanced_view().map_sync(abs, range(-1000, 0)) == list(range(1000, 0, -1))


def test_the_wrong_key_is_refused_in_words(cluster: Cluster) -> None:
    info = json.loads(Path(cluster.client_connection_file).read_text())
    with pytest.raises(er.NotLetIn, match="wrong key"):
        Client(info | {"exec_key": "0" * 64})


def test_two_clients_share_the_namespaces(rc: Client, cluster: Cluster) -> None:
    rc[:]["shared"] = 5
    with cluster.connect_client_sync() as other:
        assert other[:]["shared"] == [5, 5]


def test_queue_status(rc: Client) -> None:
    status = rc.queue_status()
    assert set(status) == {0, 1, "unassigned"}
    assert set(status[0]) >= {"queue", "completed", "tasks"}
    assert set(rc[0].queue_status()) >= {"queue", "completed", "tasks"}
    assert set(rc[[0]].queue_status()) == {0, "unassigned"}


def test_a_signal_interrupts_what_runs(rc: Client) -> None:
    waiting = rc[0].apply_async(eval, "__import__('threading').Event().wait(60)")
    until(waiting.running)
    rc.send_signal("SIGINT", targets=0)
    error = waiting.exception(SECONDS)
    assert isinstance(error, er.RemoteError)
    assert error.ename == "KeyboardInterrupt"
    assert rc[0].apply_sync(abs, -1) == 1


def test_engines_can_be_shut_down() -> None:
    with Cluster(n=2) as rc:
        rc.shutdown(targets=[0], block=True)
        assert rc.ids == [1]
        assert rc[:].apply_sync(abs, -1) == [1]


def test_the_end_of_the_controller_fails_what_waits() -> None:
    with Cluster(n=1) as rc:
        waiting = rc[0].apply_async(eval, "__import__('threading').Event().wait(60)")
        until(waiting.running)
        rc.cluster.stop_cluster_sync()
        with pytest.raises(er.EngineroomError):
            waiting.get(SECONDS)


def test_a_killed_controller_that_is_not_restarted_fails_what_waits_with_the_reason() -> None:
    with Cluster(n=1, restart_dead_controller=False) as rc:
        waiting = rc[0].apply_async(eval, "__import__('threading').Event().wait(60)")
        until(waiting.running)
        info = json.loads(Path(rc.cluster.client_connection_file).read_text())
        psutil.Process(info["controller"]["pid"]).kill()
        with pytest.raises(er.ControllerLost, match=r"the ipcontroller \(pid \d+\) ended: killed by SIGKILL"):
            waiting.get(SECONDS)


class Cuttable:
    """A way to the controller whose connection the test can cut."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self.wait, self.close, self.over = dial.wait, dial.close, dial.over

    async def __call__(self, join: Join, seconds: float) -> tuple[Connection, Welcome]:
        self._connection, welcome = await self._dial(join, seconds)
        return self._connection, welcome

    def cut(self) -> None:
        """Break the connection off; in the session's I/O thread."""
        self._connection.abort("cut by the test")


def test_a_cut_connection_is_made_again_and_loses_nothing(cluster: Cluster) -> None:
    way = Cuttable(find_dial(cluster.client_connection_file))
    session = Session(way)
    session.start(SECONDS)
    with client_of(session) as rc:
        view, large, results = rc.load_balanced_view(), bytes(5_000_000), []
        for round_ in range(3):
            results += [view.apply_async(abs, -number) for number in range(300)]
            results.append(view.apply_async(len, large))
            session.call_soon(way.cut)
            assert view.apply_sync(abs, -round_) == round_
        assert [result.get(SECONDS) for result in results] == [*range(300), 5_000_000] * 3
        until(lambda: not rc.outstanding)


INTERRUPTED = """
import os, pathlib, signal, sys, threading
from engineroom import Client
from tests.system.held_tasks import put, wait_for_file
file = pathlib.Path(sys.argv[2])
with Client(sys.argv[1]) as rc:
    waiting = rc[0].apply_async(wait_for_file, str(file))
    try:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        waiting.get()
    except KeyboardInterrupt:
        print("interrupted")
    put(file, "done")
    print(waiting.get(30), rc[0].apply_sync(abs, -1))
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGINT to oneself")
def test_ctrl_c_ends_a_wait_and_harms_nothing(cluster: Cluster, tmp_path: Path) -> None:
    code = [sys.executable, "-c", INTERRUPTED, cluster.client_connection_file, str(tmp_path / "mark")]
    done = subprocess.run(code, capture_output=True, text=True, check=True, timeout=SECONDS)
    assert done.stdout.split() == ["interrupted", "done", "1"]


def test_a_client_that_is_never_closed_ends_with_its_program(cluster: Cluster) -> None:
    code = "import sys, engineroom; rc = engineroom.Client(sys.argv[1]); print(rc[0].apply_sync(abs, -7))"
    command = [sys.executable, "-c", code, cluster.client_connection_file]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
    assert done.stdout == "7\n"
    assert done.stderr == ""


def test_signal_names_that_do_not_exist(rc: Client) -> None:
    with pytest.raises(ValueError, match="'SIGNOTHING' is not a signal"):
        rc.send_signal("SIGNOTHING")
    rc.send_signal(int(signal.SIGCONT))
