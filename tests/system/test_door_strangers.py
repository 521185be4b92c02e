"""Whoever knocks at the controller's port without a key: it neither hurts nor keeps out those that have one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from engineroom import Client, Cluster
from engineroom.protocol.connection_files import ConnectionFile, read_connection_file
from tests.patience import slowly
from tests.system.conftest import SECONDS, until

MB = 1024 * 1024
GROWTH = 50 * MB
"""Bytes that the controller may grow by, whatever strangers do."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield a cluster of one engine."""
    cluster = Cluster(n=1, profile_dir=tmp_path_factory.mktemp("door") / "profile_door")
    cluster.start_cluster_sync()
    yield cluster
    cluster.stop_cluster_sync()


@pytest.fixture
def info(cluster: Cluster) -> ConnectionFile:
    return read_connection_file(cluster.client_connection_file)


@pytest.fixture
def controller(info: ConnectionFile) -> psutil.Process:
    assert info.controller is not None
    return psutil.Process(info.controller.pid)


@pytest.fixture
def a_key_gets_in(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """Return what connects over TCP, has one call done, and returns how many seconds that took."""
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")

    def get_in() -> float:
        begun = time.monotonic()
        with Client(cluster.client_connection_file, timeout=SECONDS) as rc:
            assert rc[0].apply_async(abs, -3).get(timeout=SECONDS) == 3
        return time.monotonic() - begun

    return get_in


@contextlib.contextmanager
def bounded(controller: psutil.Process) -> Iterator[None]:
    """Fail if the controller, at its largest, has grown by more than it may."""
    status = Path(f"/proc/{controller.pid}/status")
    Path(f"/proc/{controller.pid}/clear_refs").write_text("5")  # the peak is counted from now on

    def read(name: str) -> int:
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith(name))

    before = read("VmRSS")
    yield
    assert read("VmHWM") - before <= GROWTH


def dial(info: ConnectionFile) -> socket.socket:
    return socket.create_connection(("127.0.0.1", info.port), timeout=SECONDS)


def dial_tls(info: ConnectionFile) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(dial(info))


def dial_unix(info: ConnectionFile) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(SECONDS)
    sock.connect(info.socket)
    return sock


def is_hung_up(sock: socket.socket) -> bool:
    """Return whether the far end hangs up before the socket's timeout."""
    try:
        while sock.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


TLS_HELLO = b"\x16\x03\x01\x02\x00\x01"
"""The first bytes of a true one."""

GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: controller\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "zeros": bytes(100_000),
    "noise": os.urandom(100_000),
    "a huge record": b"\xff\xff\xff\xff" + b"x" * 100_000,
    "a record that is no message": b"\0\0\0\x10" + b"\x93" * 16 + bytes(20_000),
}


@pytest.mark.parametrize("way", [dial, dial_tls, dial_unix])
@pytest.mark.parametrize("words", GARBAGE.values(), ids=GARBAGE)
def test_garbage_ends_that_connection_and_nothing_else(
    info: ConnectionFile,
    controller: psutil.Process,
    a_key_gets_in: Callable[[], float],
    way: Callable[[ConnectionFile], socket.socket],
    words: bytes,
) -> None:
    with bounded(controller), way(info) as sock:
        with contextlib.suppress(OSError):  # it may hang up before it has heard everything
            sock.sendall(words)
        assert is_hung_up(sock)


def test_half_a_record_and_then_nothing_is_hung_up_on_in_time(
    info: ConnectionFile, a_key_gets_in: Callable[[], float]
) -> None:
    with contextlib.ExitStack() as stack:
        pending = [stack.enter_context(way(info)) for way in (dial, dial_tls, dial_unix) for _ in range(3)]
        for sock, words in zip(pending, 3 * [b"", b"\0", b"\0\0\0\x40\x93"], strict=True):
            sock.sendall(words)
        assert a_key_gets_in() < slowly(5)
        assert all(map(is_hung_up, pending))


def test_a_port_scan_is_nothing(info: ConnectionFile, a_key_gets_in: Callable[[], float]) -> None:
    for _ in range(200):
        dial(info).close()
    assert a_key_gets_in() < slowly(5)


@contextlib.contextmanager
def many_files(number: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, number)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Crowd:
    """Strangers who say a byte now and then, and come back at once when they are hung up on."""

    def __init__(self, port: int) -> None:
        self.knocks = 0
        self._port, self._going_home = port, False

    async def gather(self, number: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(number):
                group.create_task(self._come_again())

    def go_home(self) -> None:
        self._going_home = True

    async def _come_again(self) -> None:
        while not self._going_home:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0)
                continue
            self.knocks += 1
            with contextlib.suppress(OSError):
                await self._whisper(reader, writer)
            writer.transport.abort()

    async def _whisper(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in TLS_HELLO:
            writer.write(bytes([byte]))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.3)
                return  # hung up on
            if self._going_home:
                return


def test_thousands_of_slow_strangers_keep_nobody_out(
    info: ConnectionFile, controller: psutil.Process, a_key_gets_in: Callable[[], float]
) -> None:
    crowd = Crowd(info.port)
    with many_files(10_000), bounded(controller):
        strangers = threading.Thread(target=asyncio.run, args=(crowd.gather(3000),))
        strangers.start()
        try:
            until(lambda: crowd.knocks >= 3000)
            assert a_key_gets_in() < slowly(5)
            assert a_key_gets_in() < slowly(5)
        finally:
            crowd.go_home()
            strangers.join()
    until(lambda: len(controller.net_connections()) < 20)
    assert a_key_gets_in() < slowly(1)


def test_strangers_that_finish_tls_and_then_say_nothing_keep_nobody_out(
    info: ConnectionFile, controller: psutil.Process, a_key_gets_in: Callable[[], float]
) -> None:
    with bounded(controller), contextlib.ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(dial_tls(info))
        assert a_key_gets_in() < slowly(5)


def test_known_peers_work_on_while_strangers_knock(info: ConnectionFile, cluster: Cluster) -> None:
    with Client(cluster.client_connection_file, timeout=SECONDS) as rc:
        view = rc.load_balanced_view()
        with contextlib.ExitStack() as stack:
            for _ in range(500):
                stack.enter_context(dial(info))
            results = [view.apply_async(abs, -number) for number in range(500)]
            assert [result.get(timeout=SECONDS) for result in results] == list(range(500))
