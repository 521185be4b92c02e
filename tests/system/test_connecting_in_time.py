"""`Client(timeout=...)` is for the whole of connecting, whatever does not answer, and the error says what that was."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engineroom import Client, Cluster
from engineroom.errors import ConnectionFailed
from engineroom.protocol.connection_files import read_connection_file
from tests.patience import SECONDS, slowly

TIMEOUT = 1.0


@contextlib.contextmanager
def mute_port(*, backlog: int = 10) -> Iterator[int]:
    """Yield a port that accepts and never speaks."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as server:
        yield server.getsockname()[1]


def connect_in_vain(info: Any, timeout: float = TIMEOUT, **options: Any) -> str:
    begun = time.monotonic()
    with pytest.raises(ConnectionFailed) as caught:
        Client(info, timeout=timeout, **options)
    assert time.monotonic() - begun < slowly(timeout) - 3
    return str(caught.value)


def with_address(cluster: Cluster, url: str) -> dict[str, Any]:
    values = json.loads(Path(cluster.client_connection_file).read_text())
    return {**values, "url": url, "addresses": [], "socket": "", "location": ""}


@pytest.mark.parametrize("transport", ["", "tls"])
def test_a_stopped_controller(cluster: Cluster, rc: Client, monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)
    record = read_connection_file(cluster.client_connection_file).controller
    assert record is not None
    controller = psutil.Process(record.pid)
    controller.suspend()
    try:
        words = connect_in_vain(cluster.client_connection_file)
    finally:
        controller.resume()
    assert "in the TLS handshake" in words
    assert ("accepted the connection and then sent nothing for 0.5 s" in words) == (not transport)
    assert rc[0].apply_sync(abs, -1) == 1


def test_a_port_that_accepts_and_never_speaks(cluster: Cluster) -> None:
    with mute_port() as port:
        words = connect_in_vain(with_address(cluster, f"tcp://127.0.0.1:{port}"))
        assert re.search(rf"127.0.0.1:{port}: no answer in (1|0\.\d) s \(ETIMEDOUT\) in the TLS handshake", words)
        assert "no answer in" in connect_in_vain(with_address(cluster, f"tcp://127.0.0.1:{port}"), 0.5)


def test_an_address_that_answers_nothing(cluster: Cluster) -> None:
    with mute_port(backlog=0) as port, contextlib.ExitStack() as full:
        for _ in range(4):  # a full backlog: the next ones get no answer
            sock = full.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        words = connect_in_vain(with_address(cluster, f"tcp://127.0.0.1:{port}"))
    assert "while connecting" in words


def test_a_name_that_is_looked_up_for_ever(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    answered, real = threading.Event(), socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **options: Any) -> Any:
        if host == "name.invalid" and not options.get("flags"):
            answered.wait(SECONDS)
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        words = connect_in_vain(with_address(cluster, "tcp://name.invalid:1"))
    finally:
        answered.set()
    assert "name.invalid:1: no answer in" in words
    assert words.endswith("while looking up the name")
    names = "engineroom-name-lookup"
    deadline = time.monotonic() + SECONDS
    while any(thread.name == names for thread in threading.enumerate()) and time.monotonic() < deadline:
        threading.Event().wait(0.01)


def test_a_name_that_nobody_knows(cluster: Cluster) -> None:
    assert "name.invalid:1: " in connect_in_vain(with_address(cluster, "tcp://name.invalid:1"))


def test_an_ssh_server_that_hangs(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f"#!{sys.executable}\nimport signal\nsignal.pause()\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(ssh.parent), prepend=os.pathsep)
    info = {**with_address(cluster, "tcp://127.0.0.1:1"), "boot_id": "another", "host": "elsewhere"}
    words = connect_in_vain(info, 2.0, sshserver="user@far.invalid")
    assert re.search(r"ssh user@far.invalid: not connected within (2|1\.\d+) s", words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"timeout": "a"}, "timeout must be a number of seconds, not 'a'"),
        ({"timeout": "3"}, "timeout must be a number of seconds, not '3'"),
        ({"timeout": None}, "timeout must be a number of seconds, not None"),
        ({"timeout": True}, "timeout must be a number of seconds, not True"),
        ({"timeout": -1}, "timeout must be a number of seconds, 0 or more, not -1"),
        ({"timeout": float("nan")}, "timeout must be a number of seconds, 0 or more, not nan"),
        ({"reconnect_timeout": [1]}, r"reconnect_timeout must be a number of seconds, not \[1\]"),
        ({"max_unfinished_bytes": 1e9}, "max_unfinished_bytes must be a number of bytes, not 1000000000.0"),
    ],
)
def test_what_is_no_number_is_said_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        Client("nowhere.json", **options)


def test_the_process_ends_though_a_name_is_still_looked_up(cluster: Cluster, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import socket, threading, sys, json, time\n"
        "real = socket.getaddrinfo\n"
        "def look_up(host, *arguments, **options):\n"
        "    if host == 'name.invalid' and not options.get('flags'):\n"
        "        threading.Event().wait()\n"
        "    return real(host, *arguments, **options)\n"
        "socket.getaddrinfo = look_up\n"
        "import engineroom as er\n"
        "try:\n"
        "    er.Client(json.loads(sys.argv[1]), timeout=0.5)\n"
        "except er.ConnectionFailed as error:\n"
        "    print(error)\n"
    )
    info = json.dumps(with_address(cluster, "tcp://name.invalid:1"))
    done = subprocess.run(
        [sys.executable, str(script), info], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "while looking up the name" in done.stdout
