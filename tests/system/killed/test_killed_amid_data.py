"""Whoever is killed while large data are under way, or lie in shared memory: nothing of these is left but in those who
live and need it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engineroom import Client, Reference
from engineroom.machine.shared_memory.mapped import MAPPINGS
from engineroom.machine.shared_memory.pool import SHARED
from tests.chaos.faults import CONTROLLER, ENGINE
from tests.chaos.victim import Victim
from tests.system.conftest import answers, dead_sockets, until
from tests.system.killed.conftest import FORGETFUL

MIB = 2**20
NAME, LARGE = "memfd:engineroom-payload", 8 * MIB

CLIENT = """
import sys
import numpy as np
from engineroom import Client
rc, what, size = Client(sys.argv[1]), sys.argv[2], 24 * 2**20
rc[:].push({"own": np.full(size, 3, np.uint8)}, block=True)
print("begins", flush=True)
while True:
    if what == "pushes":
        rc[:].push({"own": np.full(size, 3, np.uint8)}, block=True)
    else:
        rc[:].pull("own", block=True)
"""


@pytest.fixture
def options() -> tuple[str, ...]:
    return FORGETFUL


@contextlib.contextmanager
def client_that(does: str, victim: Victim, script: str = CLIENT) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", script, str(victim.profile.connection_file("client")), does]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begins\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def has(pid: int) -> set[int]:
    """Return the inodes of large payloads in shared memory that a process maps, or has open.

    (The modules of these tests, which travel with their functions, are smaller.)
    """
    found = set()
    with contextlib.suppress(OSError):  # it has ended
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            first, last = (int(each, 16) for each in line.split()[0].split("-"))
            if NAME in line and last - first >= LARGE:
                found.add(int(line.split()[4]))
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                path = f"/proc/{pid}/fd/{name}"
                if NAME in os.readlink(path) and os.stat(path).st_size >= LARGE:
                    found.add(os.stat(path).st_ino)
    return found


def have(pids: Iterable[int]) -> set[int]:
    return set[int]().union(*map(has, pids))


def let_go() -> None:
    """Give back what a process has in reserve, of its own and of others' memory."""
    MAPPINGS.kept.clear()
    SHARED.sweep(0.0)


def nothing_is_left(rc: Client, victim: Victim) -> bool:
    """Have engines forget all, and return whether neither they nor the controller have anything then."""
    answers(rc, slice(None), let_go)
    return not have([*victim.pids(CONTROLLER), *victim.pids(ENGINE)])


def kill_at_some_moment(chance: random.Random, pid: int) -> None:
    threading.Event().wait(chance.uniform(0.0, 0.4))
    os.kill(pid, signal.SIGKILL)


def shm() -> set[str]:
    return {name for name in os.listdir("/dev/shm") if "engineroom" in name}


@pytest.mark.parametrize("does", ["pushes", "pulls"])
def test_a_client_or_an_engine_or_the_controller(victim: Victim, rc: Client, does: str) -> None:
    chance, before = random.Random(f"13 {does}"), shm()
    for whom in ("client", ENGINE, CONTROLLER, "client"):
        with client_that(does, victim) as client:
            kill_at_some_moment(chance, client.pid if whom == "client" else victim.pids(whom)[0])
        until(lambda: len(victim.pids(ENGINE)) == 2 and victim.pids(CONTROLLER))
        until(lambda: answers(rc, slice(None), int) == [0, 0])  # both are back
        until(lambda: rc[:].clear(block=True) is None)
        until(lambda: nothing_is_left(rc, victim))
        data: Any = np.random.default_rng(1).integers(0, 255, MIB, dtype=np.uint8)
        assert rc[:].apply_sync(lambda its: int(its.sum()), data) == [int(data.sum())] * 2
    assert shm() == before


def test_the_controller_alone_engines_keep_what_they_have(victim: Victim, rc: Client) -> None:
    rc[:].push({"kept": np.full(24 * MIB, 5, np.uint8)}, block=True)
    assert len(have(victim.pids(ENGINE))) == 1
    (pid,) = victim.pids(CONTROLLER)
    os.kill(pid, signal.SIGKILL)
    until(lambda: answers(rc, slice(None), os.getpid) == victim.pids(ENGINE))
    assert rc[:].apply_sync(lambda its: int(its[-1]), Reference("kept")) == [5, 5]
    assert has(pid) == set()
    rc[:].clear(block=True)
    until(lambda: nothing_is_left(rc, victim))


def test_the_host_and_with_it_all(tmp_path: Path) -> None:
    with Victim(tmp_path, 2, options=FORGETFUL) as cluster, client_that("pushes", cluster):
        pids = [*cluster.pids(CONTROLLER), *cluster.pids(ENGINE)]
        assert len(have(pids)) > 0
        os.kill(cluster.process.pid, signal.SIGKILL)
        until(lambda: not have(pids))
    for path in dead_sockets():  # the next start would have taken them away
        path.unlink(missing_ok=True)
