"""Tests on real servers and networks: root and ENGINEROOM_REAL=1, or they say why they did not run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NETWORK, BRIDGE = "10.78.0", "er-bridge"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needs = {"root": os.geteuid() == 0, "ENGINEROOM_REAL=1": os.environ.get("ENGINEROOM_REAL") == "1"}
    missing = [words for words, present in needs.items() if not present]
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.real)
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"a test on real servers needs {' and '.join(missing)}"))


class Hosts:
    """Machines, as far as a network can tell: each has its own address, host name and loopback.

    They share this machine's files and process ids, which is what a cluster's shared file system looks like.
    """

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, *names: str) -> None:
        """Make the machines `names`, joined by one switch."""
        self._remove_leftovers(names)
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for number, name in enumerate(names, start=11):
            self.addresses[name] = f"{NETWORK}.{number}"
            space = f"er-{name}"
            _ip("netns", "add", space)
            _ip("link", "add", f"erv-{name}", "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("link", "set", f"erv-{name}", "master", BRIDGE, "up")
            _ip("-n", space, "addr", "add", f"{self.addresses[name]}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "lo", "up")
            _ip("-n", space, "link", "set", "eth0", "up")

    def run(self, name: str, *command: str) -> subprocess.Popen[str]:
        """Start `command` on the machine `name`; it ends with the test."""
        named = ["unshare", "-u", "sh", "-c", 'hostname "$1" && shift && exec "$@"', "_", name, *command]
        process = subprocess.Popen(
            ["ip", "netns", "exec", f"er-{name}", *named], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._processes.append(process)
        return process

    def cut(self, name: str) -> None:
        """Pull the network cable of `name`."""
        _ip("link", "set", f"erv-{name}", "down")

    def mend(self, name: str) -> None:
        _ip("link", "set", f"erv-{name}", "up")

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.communicate(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        self._remove_leftovers(self.addresses)

    def _remove_leftovers(self, names: Iterable[str]) -> None:
        for name in names:
            _ip("link", "del", f"erv-{name}", check=False)
            _ip("netns", "del", f"er-{name}", check=False)
        _ip("link", "del", BRIDGE, check=False)


def _ip(*arguments: str, check: bool = True) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """Two machines, `one` and `two`, on a network of their own."""
    if shutil.which("ip") is None:
        subprocess.run(["apt-get", "install", "-y", "-qq", "iproute2"], check=True, capture_output=True)
    made = Hosts()
    made.start("one", "two")
    yield made
    made.stop()
