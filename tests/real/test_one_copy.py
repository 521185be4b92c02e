"""What all engines of three machines need crosses the network three times, whoever of them is killed meanwhile."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engineroom as er
from engineroom import Reference
from tests.patience import SECONDS

BIN = Path(sys.executable).parent
EACH = 4
MIB = 2**20


@pytest.fixture
def rc(hosts: Any, tmp_path: Path) -> Iterator[er.Client]:
    """A client, here, of a controller that listens for three machines with four engines each."""
    profile = f"--profile-dir={tmp_path}"
    hosts.run("one", str(BIN / "ipcontroller"), profile, "--ip=*", f"--location={hosts.addresses['one']}", "--nodb")
    for name in hosts.addresses:
        for _ in range(EACH):
            hosts.run(name, "env", "ENGINEROOM_TRANSPORT=tls", str(BIN / "ipengine"), profile)
    with er.Client(profile_dir=str(tmp_path), timeout=SECONDS) as client:
        client.wait_for_engines(3 * EACH, timeout=SECONDS)
        yield client


def received(rc: er.Client) -> int:
    """Return how many bytes have been read by all engines of their sockets."""
    return sum(rc[:].apply_sync(_received))


def _received() -> int:
    import subprocess
    from itertools import pairwise

    said = subprocess.run(["ss", "-tinp"], capture_output=True, text=True, check=True).stdout.splitlines()
    lines = [after for line, after in pairwise(said) if f"pid={os.getpid()}," in line]
    return sum(int(word.split(":")[1]) for line in lines for word in line.split() if word.startswith("bytes_received:"))


def test_64_mib_for_12_engines_of_3_machines_are_3_copies(rc: er.Client) -> None:
    data: Any = np.random.default_rng(1).integers(0, 255, 64 * MIB, dtype=np.uint8)
    before = received(rc)
    rc[:].push({"shared": data}, block=True)
    copies = (received(rc) - before) / len(data)
    assert 3 <= copies < 3.2, copies
    assert rc[:].apply_sync(lambda its: int(its.sum()), Reference("shared")) == [int(data.sum())] * 3 * EACH


def test_whoever_is_killed_meanwhile_the_others_get_it(rc: er.Client) -> None:
    data: Any = np.random.default_rng(2).integers(0, 255, 64 * MIB, dtype=np.uint8)
    places = dict(zip(rc.ids, rc[:].apply_sync(lambda: (socket.gethostname(), os.getpid())), strict=True))
    pushed = rc[:].push({"shared": data}, block=False)
    ended = [engine for engine, (host, _) in places.items() if host == "two"]
    for engine in ended:
        os.kill(places[engine][1], signal.SIGKILL)
    pushed.wait(SECONDS)
    others = [engine for engine in places if engine not in ended]
    assert rc[others].apply_sync(lambda its: int(its.sum()), Reference("shared")) == [int(data.sum())] * 2 * EACH
