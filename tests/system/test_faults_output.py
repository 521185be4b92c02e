"""Tasks that print without end, disks that are full, clients that vanish: what others notice of it is nothing."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from engineroom import Client, Cluster
from engineroom.errors import RemoteError
from engineroom.protocol.connection_files import read_connection_file
from tests.patience import slowly
from tests.system.conftest import SECONDS, until

MB = 1024 * 1024


@pytest.fixture
def controller(cluster: Cluster) -> psutil.Process:
    record = read_connection_file(cluster.client_connection_file).controller
    assert record is not None
    return psutil.Process(record.pid)


def memory(process: psutil.Process) -> int:
    return int(process.memory_info().rss)


def print_for_ever(much: str) -> None:
    """Print, and make the file `much` once more has been printed than is kept."""
    for number in itertools.count():
        print("all work and no play")
        if number == 100_000:
            Path(much).touch()


def write_for_ever(much: str) -> None:
    """The same from C's side: past sys.stdout."""
    for number in itertools.count():
        os.write(1, b"all work and no play\n" * 100)
        if number == 1_000:
            Path(much).touch()


@pytest.mark.parametrize("flood", [print_for_ever, write_for_ever])
def test_a_task_that_prints_for_ever_hurts_nobody(
    rc: Client, controller: psutil.Process, flood: Callable[[str], None], tmp_path: Path
) -> None:
    noisy = psutil.Process(rc[0].apply_async(os.getpid).get(timeout=SECONDS))
    everybody = (psutil.Process(), controller, noisy)
    much = tmp_path / "much"
    flooding = rc[0].apply_async(flood, str(much))
    until(lambda: len(flooding.stdout) > 100_000)
    before = list(map(memory, everybody))
    delays = []
    begun = time.monotonic()
    while time.monotonic() < begun + 1:
        sent = time.monotonic()
        assert rc[1].apply_async(abs, -1).get(timeout=SECONDS) == 1
        delays.append(time.monotonic() - sent)
    assert sorted(delays)[len(delays) // 2] < slowly(0.1)
    for process, old in zip(everybody, before, strict=True):
        assert memory(process) - old < 40 * MB
    until(much.exists)
    rc.send_signal(signal.SIGINT, 0)
    with pytest.raises(RemoteError, match="KeyboardInterrupt"):
        flooding.get(timeout=SECONDS)
    assert "characters of output were cut here" in flooding.stdout
    assert len(flooding.stdout) < 2 * MB
    assert rc[0].apply_async(abs, -2).get(timeout=SECONDS) == 2


def test_a_client_that_is_killed_is_forgotten_and_its_tasks_finish(
    cluster: Cluster, rc: Client, tmp_path: Path
) -> None:
    program = textwrap.dedent(
        f"""
        import os, signal
        from engineroom import Client

        def work(path):
            import threading
            threading.Event().wait(0.01)
            with open(path, "a") as file:
                file.write("x")
            return bytes(2_000_000)

        rc = Client({cluster.client_connection_file!r})
        results = rc.load_balanced_view().map_async(work, [{str(tmp_path / "done")!r}] * 50, chunksize=1)
        rc.queue_status()  # what was sent before has arrived
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    ended = subprocess.run([sys.executable, "-c", program], timeout=SECONDS, check=False)
    assert ended.returncode == -signal.SIGKILL
    until(lambda: (tmp_path / "done").exists() and len((tmp_path / "done").read_text()) == 50)
    assert rc.load_balanced_view().apply_async(abs, -1).get(timeout=SECONDS) == 1


def test_clients_that_come_and_are_killed_leave_nothing_in_the_controller(
    cluster: Cluster, rc: Client, controller: psutil.Process
) -> None:
    program = (
        "import os, signal; from engineroom import Client; "
        f"rc = Client({cluster.client_connection_file!r}); "
        "rc[:].apply_sync(abs, -1); os.kill(os.getpid(), signal.SIGKILL)"
    )
    connections = len(controller.net_connections("unix"))
    for _ in range(3):
        subprocess.run([sys.executable, "-c", program], timeout=SECONDS, check=False)
    until(lambda: len(controller.net_connections("unix")) <= connections)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a directory on a disk of its own, so small that it is full at once."""
    place = tmp_path / "small"
    place.mkdir()
    if (
        os.getuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("only root can mount a small disk")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> None:
    with open(place / "filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(512))
        except OSError:
            return


def test_a_full_disk_stops_no_task(full_disk: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile_full"
    profile.mkdir()
    (profile / "log").symlink_to(full_disk)
    with Cluster(n=2, profile_dir=profile, log_level="DEBUG", restart_dead_engines=False) as rc:
        fill(full_disk)

        def print_late() -> None:
            import threading

            threading.Timer(0.05, lambda: print("after the end: for the log" * 1000)).start()

        rc[:].apply_async(print_late).get(timeout=SECONDS)
        os.kill(rc[1].apply_async(os.getpid).get(timeout=SECONDS), signal.SIGKILL)  # gives all of them a line to log
        until(lambda: rc.ids == [0])
        assert rc.load_balanced_view().map_async(abs, range(100)).get(timeout=SECONDS) == list(range(100))
        with Client(rc.cluster.client_connection_file) as other:
            assert other[:].apply_async(abs, -1).get(timeout=SECONDS) == [1]


def test_a_cluster_starts_on_a_full_disk_for_logs(full_disk: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile_full"
    profile.mkdir()
    (profile / "log").symlink_to(full_disk)
    fill(full_disk)
    with Cluster(n=1, profile_dir=profile) as rc:
        assert rc[0].apply_async(abs, -1).get(timeout=SECONDS) == 1
