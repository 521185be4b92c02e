"""Machines, as far as a network can tell."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable

from tests.patience import SECONDS


class Hosts:
    """Machines, as far as a network can tell: each has its own address, host name and loopback.

    They share this machine's files and process ids, which is what a cluster's shared file system looks like.
    """

    kind, second = "h", 78

    def __init__(self) -> None:
        # Several runs on one machine must not meet.
        number = os.getpid() % 250
        self.network = f"10.{self.second}.{number}"
        self.prefix = f"er{self.kind}{number}"
        self.bridge = f"{self.prefix}-br"
        self.addresses: dict[str, str] = {}
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, *names: str) -> None:
        """Make the machines `names`, joined by one switch."""
        self._remove_leftovers(names)
        _ip("link", "add", self.bridge, "type", "bridge")
        _ip("addr", "add", f"{self.network}.1/24", "dev", self.bridge)
        _ip("link", "set", self.bridge, "up")
        for number, name in enumerate(names, start=11):
            self.addresses[name] = f"{self.network}.{number}"
            space = f"{self.prefix}-{name}"
            _ip("netns", "add", space)
            _ip("link", "add", f"{self.prefix}v-{name}", "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("link", "set", f"{self.prefix}v-{name}", "master", self.bridge, "up")
            _ip("-n", space, "addr", "add", f"{self.addresses[name]}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "lo", "up")
            _ip("-n", space, "link", "set", "eth0", "up")

    def at(self, name: str, *command: str) -> list[str]:
        """Return what runs `command` on the machine `name`."""
        named = ["unshare", "-u", "sh", "-c", 'hostname "$1" && shift && exec "$@"', "_", name, *command]
        return ["ip", "netns", "exec", f"{self.prefix}-{name}", *named]

    def run(self, name: str, *command: str) -> subprocess.Popen[str]:
        """Start `command` on the machine `name`; it ends with the test."""
        return self.run_here(*self.at(name, *command))

    def run_here(self, *command: str) -> subprocess.Popen[str]:
        """Start `command` beside the machines, at the switch; it ends with the test."""
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._processes.append(process)
        return process

    def cut(self, name: str) -> None:
        """Pull the network cable of `name`."""
        _ip("link", "set", f"{self.prefix}v-{name}", "down")

    def mend(self, name: str) -> None:
        _ip("link", "set", f"{self.prefix}v-{name}", "up")

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        self._remove_leftovers(self.addresses)

    def _remove_leftovers(self, names: Iterable[str]) -> None:
        for name in names:
            _ip("link", "del", f"{self.prefix}v-{name}", check=False)
            _ip("netns", "del", f"{self.prefix}-{name}", check=False)
        _ip("link", "del", self.bridge, check=False)


def _ip(*arguments: str, check: bool = True) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
