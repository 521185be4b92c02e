"""A controller on one machine, an engine on another, a client on a third: TLS, cut cables, and who is told what."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import engineroom as er
from tests.conftest import wait_until
from tests.patience import SECONDS

BIN = Path(sys.executable).parent


@pytest.fixture
def rc(hosts, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[er.Client]:
    """A client, here, of a controller on machine `one` with an engine on machine `two`.

    Its parameter: after how many seconds an engine is given up; without one, no slow machine is.
    """
    profile = f"--profile-dir={tmp_path}"
    listen = ("--ip=*", f"--location={hosts.addresses['one']}")
    # Silence of 3 s is a cut.
    patience = ("--ping=300", f"--IPController.reconnect_timeout={getattr(request, 'param', SECONDS)}")
    hosts.run("one", str(BIN / "ipcontroller"), profile, *listen, *patience)
    hosts.run("two", str(BIN / "ipengine"), profile)
    with er.Client(profile_dir=str(tmp_path), timeout=SECONDS) as client:
        client.wait_for_engines(1, timeout=SECONDS)
        yield client


def where() -> tuple[str, int]:
    return socket.gethostname(), os.getpid()


def sockets_of(pid: int) -> list[str]:
    """Return the remote addresses of a process's established TCP connections, as the kernel lists them."""
    inodes = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return [row[2] for row in rows if f"socket:[{row[9]}]" in inodes and row[3] == "01"]


def test_an_engine_of_another_machine_comes_over_tcp(rc: er.Client, hosts) -> None:
    host, pid = rc[0].apply_sync(where)
    assert host == "two"
    packed = bytes(reversed([int(part) for part in hosts.addresses["one"].split(".")])).hex().upper()
    assert [address.partition(":")[0] for address in sockets_of(pid)] == [packed]


def test_nothing_readable_crosses_the_network(rc: er.Client, tmp_path: Path) -> None:
    info = json.loads((tmp_path / "security" / "ipcontroller-client.json").read_text())
    host, port = info["url"].removeprefix("tcp://").rsplit(":", 1)
    with socket.create_connection((host.replace("*", info["location"]), int(port)), timeout=SECONDS) as plain:
        plain.sendall(b"\x00\x00\x00\x04hello, in the clear")
        plain.settimeout(SECONDS)
        assert b"challenge" not in plain.recv(4096)


def test_a_short_cut_loses_nothing(rc: er.Client, hosts) -> None:
    running = [rc[0].apply_async(where) for _ in range(10)]
    hosts.cut("two")
    later = [rc[0].apply_async(where) for _ in range(10)]
    threading.Event().wait(1.0)  # the length of the cut is what is tested
    hosts.mend("two")
    assert {result.get(timeout=SECONDS)[0] for result in [*running, *later]} == {"two"}
    assert rc.ids == [0]


@pytest.mark.parametrize("rc", [3], indirect=True)
def test_a_machine_that_is_cut_off_for_good_is_lost_with_words(rc: er.Client, hosts) -> None:
    hosts.cut("two")
    waiting = rc[0].apply_async(where)
    with pytest.raises(er.EngineError, match="0"):
        waiting.get(timeout=SECONDS)
    assert wait_until(lambda: rc.ids == [])
    hosts.mend("two")
