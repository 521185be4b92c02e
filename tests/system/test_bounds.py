"""Bounds of memory, each driven to its limit by real processes: who causes it is held back, others are not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from traitlets.config import Config

from engineroom import Client, Cluster
from engineroom.protocol.connection_files import read_connection_file
from engineroom.protocol.questions import AskBounds
from tests.patience import SECONDS
from tests.system.conftest import until
from tests.system.held_tasks import Mark

MEBIBYTE = 1 << 20
KEPT = 16 * MEBIBYTE
ROOM = 24 * MEBIBYTE
"""What a process takes beside what is counted."""

CLIENT = """
import sys
from engineroom import Client

def large(mark):
    import threading
    from pathlib import Path
    pause = threading.Event()
    while not Path(mark).exists():
        pause.wait(0.01)
    return bytes(1 << 20)

profile, cluster, mark, how = sys.argv[1:]
with Client(profile_dir=profile, cluster_id=cluster, timeout=60) as rc:
    view = rc.load_balanced_view() if how == "balanced" else rc[0]
    results = [view.apply_async(large, mark) for _ in range(150)]
    rc.queue_status()
    print("submitted", flush=True)
    print(sum(len(result.get(timeout=60)) for result in results), flush=True)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield a cluster of two engines with low bounds."""
    bounds = {
        "IPController": {"max_kept_bytes": KEPT, "max_idle_function_bytes": 4 * MEBIBYTE, "db_class": "NoDB"},
        "IPEngine": {"max_unacknowledged_bytes": KEPT, "max_function_bytes": 4 * MEBIBYTE},
    }
    place = tmp_path_factory.mktemp("bounds") / "profile_bounds"
    cluster = Cluster(n=2, profile_dir=place, config=Config(bounds))
    cluster.start_cluster_sync()
    yield cluster
    cluster.stop_cluster_sync()


@pytest.fixture
def rc(cluster: Cluster) -> Iterator[Client]:
    with cluster.connect_client_sync() as rc:
        rc.wait_for_engines(2, timeout=SECONDS)
        yield rc


def controller_of(cluster: Cluster) -> psutil.Process:
    [path] = (Path(cluster.profile_dir) / "security").glob("ipcontroller*-client.json")
    record = read_connection_file(path).controller
    assert record is not None
    return psutil.Process(record.pid)


@contextmanager
def a_stopped_client(cluster: Cluster, mark: Mark, how: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a client that is stopped once it has submitted 150 tasks, which return 1 MiB each when `mark` is set."""
    arguments = [sys.executable, "-c", CLIENT, str(cluster.profile_dir), cluster.cluster_id, str(mark), how]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as client:
        try:
            assert client.stdout is not None
            assert client.stdout.readline() == "submitted\n"
            client.send_signal(signal.SIGSTOP)
            yield client
        finally:
            if client.poll() is None:
                client.kill()


@pytest.mark.parametrize("how", ["balanced", "direct"])
def test_results_for_a_stopped_client_are_bounded_and_others_go_on(
    cluster: Cluster, rc: Client, mark: Mark, how: str
) -> None:
    pids = rc[:].apply_sync(os.getpid)
    processes = [controller_of(cluster), *map(psutil.Process, pids)]
    before = [process.memory_info().rss for process in processes]
    with a_stopped_client(cluster, mark, how) as client:
        mark.set()

        def waiting() -> Any:
            status = rc.queue_status()
            return status["unassigned"] if all(status[engine]["tasks"] == 0 for engine in rc.ids) else 0

        assert until(lambda: waiting() > 100) < 150 - 15
        for process, size in zip(processes, before, strict=True):
            assert process.memory_info().rss - size < 1.2 * KEPT + ROOM
        why = "\n".join(rc._session.ask(AskBounds(), "bounds").words)
        assert "IPController.max_kept_bytes" in why
        assert rc.load_balanced_view().apply_sync(abs, -1) == 1
        assert rc[:].apply_sync(abs, -1) == [1, 1]

        client.send_signal(signal.SIGCONT)
        assert client.communicate(timeout=SECONDS)[0] == f"{150 * MEBIBYTE}\n"
        assert client.returncode == 0


def test_the_functions_of_a_client_that_is_gone_go_with_it(cluster: Cluster, rc: Client) -> None:
    controller, pids = controller_of(cluster), rc[:].apply_sync(os.getpid)
    processes = [controller, *map(psutil.Process, pids)]
    before = [process.memory_info().rss for process in processes]
    with cluster.connect_client_sync() as other:
        for number in range(20):
            data = bytes([number]) * (5 * MEBIBYTE)
            assert other[:].apply_sync(lambda data=data: len(data)) == [5 * MEBIBYTE] * 2
    for process, size in zip(processes, before, strict=True):
        until(lambda process=process, size=size: process.memory_info().rss - size < 8 * MEBIBYTE + ROOM)


def test_what_a_task_has_left_behind_may_print_without_end(cluster: Cluster, rc: Client) -> None:
    def leave() -> int:
        words = ["sh", "-c", "yes 'a line of what was left behind' | head -c 300000000; echo; echo THE END"]
        return subprocess.Popen(words).pid

    assert rc[0].apply_sync(leave) > 0
    pid = rc[0].apply_sync(os.getpid)

    def resident() -> int:
        return max(os.stat(f"/proc/{pid}/fd/{stream}").st_blocks * 512 for stream in (1, 2))

    def written() -> int:
        return os.stat(f"/proc/{pid}/fd/1").st_size

    until(lambda: written() > 300_000_000)
    until(lambda: resident() < 20 * MEBIBYTE)
    assert rc[0].apply_sync(abs, -1) == 1
