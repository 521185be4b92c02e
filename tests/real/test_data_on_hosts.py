"""Published values and files that travel by their place, on three machines: one copy each, and what is absent there."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engineroom as er
from engineroom.serialize.by_place import WrongFile
from engineroom.serialize.functions.interactive import home
from tests.patience import SECONDS
from tests.real.test_one_copy import BIN, MIB, received
from tests.system.conftest import until

EACH = 2
SIZE = 16 * MIB

Start = Callable[..., er.Client]


@pytest.fixture
def start(hosts: Any, tmp_path: Path) -> Iterator[Start]:
    """Yield what starts a controller, and two engines on each of three machines.

    `before`: a command that runs before those of machine `two`, and is seen by them alone.
    """
    clients: list[er.Client] = []

    def start(before: str = "") -> er.Client:
        profile = f"--profile-dir={tmp_path}"
        here = f"--location={hosts.addresses['one']}"
        hosts.run("one", str(BIN / "ipcontroller"), profile, "--ip=*", here, "--nodb", "--IPController.linger=1")
        for name in hosts.addresses:
            first = f"{before} && " if before and name == "two" else ""
            for _ in range(EACH):
                engine = ("env", "ENGINEROOM_TRANSPORT=tls", str(BIN / "ipengine"), profile)
                hosts.run(name, "sh", "-c", f'{first}exec "$0" "$@"', *engine)
        clients.append(er.Client(profile_dir=str(tmp_path), timeout=SECONDS))
        clients[-1].wait_for_engines(3 * EACH, timeout=SECONDS)
        return clients[-1]

    yield start
    for client in clients:
        client.close()


def by_host(rc: er.Client) -> dict[str, list[int]]:
    """Return the engines of each machine."""
    names = dict(zip(rc.ids, rc[:].apply_sync(socket.gethostname), strict=True))
    return {name: [engine for engine in names if names[engine] == name] for name in set(names.values())}


def published_here(digest: bytes) -> bool:
    return home.published(digest) is not None


def random(seed: int) -> Any:
    return np.random.default_rng(seed).integers(0, 255, SIZE, dtype=np.uint8)


def test_a_published_value_crosses_once_for_each_machine_and_goes_everywhere(start: Start) -> None:
    rc, data = start(), random(1)
    with rc.publish(data) as ref:
        digest = ref._part.hash  # type: ignore[union-attr]
        before = received(rc)
        nested = {"deep": [(ref, 1)]}
        sums = rc[:].apply_sync(lambda its: int(its["deep"][0][0].sum()), nested)
        assert sums == [int(data.sum())] * 3 * EACH
        copies = (received(rc) - before) / SIZE
        assert 3 <= copies < 3.3, copies
        before = received(rc)
        assert rc[:].apply_sync(lambda its, place: int(its[place]), ref, 5) == [int(data[5])] * 3 * EACH
        assert rc.load_balanced_view().map_sync(lambda place: int(ref[place]), range(12)) == data[:12].tolist()
        assert received(rc) - before < MIB
        assert all(rc[:].apply_sync(published_here, digest))
    gc.collect()
    until(lambda: not any(rc[:].apply_sync(published_here, digest)))


def test_a_machine_that_dies_in_the_middle_does_not_keep_the_others_from_it(start: Start) -> None:
    rc, data = start(), random(2)
    places, pids = by_host(rc), dict(zip(rc.ids, rc[:].apply_sync(os.getpid), strict=True))
    with rc.publish(data) as ref:
        call = rc[:].apply_async(lambda its: int(its.sum()), ref)
        for engine in places["two"]:
            os.kill(pids[engine], signal.SIGKILL)
        call.wait(SECONDS)
        others = [engine for name in ("one", "three") for engine in places[name]]
        assert rc[others].apply_sync(lambda its: int(its.sum()), ref) == [int(data.sum())] * 2 * EACH


PUBLISHES = """
import sys
import numpy as np
from engineroom import Client
rc = Client(profile_dir=sys.argv[1])
ref = rc.publish(np.full(2**21, 3, np.uint8))
assert set(rc[:].apply_sync(lambda x: int(x[0]), ref)) == {3}
print(ref._part.hash.hex(), flush=True)
sys.stdin.read()
"""


def test_it_goes_with_the_session_of_a_client_that_was_killed(start: Start, tmp_path: Path) -> None:
    rc = start()
    command = [sys.executable, "-c", PUBLISHES, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        digest = bytes.fromhex(client.stdout.readline())
        assert all(rc[:].apply_sync(published_here, digest))
        client.kill()
    until(lambda: not any(rc[:].apply_sync(published_here, digest)))


def saved(place: Path) -> Path:
    """Save an array in a directory of its own, where a machine can have something else."""
    place.mkdir()
    np.save(place / "data.npy", np.arange(200_000))
    return place / "data.npy"


OTHERS = {
    "absent": ("mount -t tmpfs none {place}", r"data\.npy: No such file or directory"),
    "shorter": (
        "mount -t tmpfs none {place} && head -c 5000 {copy} > {place}/data.npy && touch -r {copy} {place}/data.npy",
        "has 5,000 bytes here, and had 1,600,128",
    ),
    # The last byte is another one; size and time are the same.
    "another": (
        (
            "mount -t tmpfs none {place} && cat {copy} > {place}/data.npy && printf x | "
            "dd of={place}/data.npy conv=notrunc bs=1 seek=1600127 2>&1 && touch -r {copy} {place}/data.npy"
        ),
        "is not the file that was sent by_place",
    ),
}
"""What a machine has where the file is elsewhere: how it comes there, and what is said of it."""


def test_a_file_that_is_not_the_same_on_another_machine(start: Start, tmp_path: Path) -> None:
    files, there = {name: saved(tmp_path / name) for name in OTHERS}, []
    for name, (command, _) in OTHERS.items():
        copy = tmp_path / f"copy-of-{name}.npy"
        subprocess.run(["cp", "-p", str(files[name]), str(copy)], check=True)
        there.append(command.format(place=files[name].parent, copy=copy))
    rc = start(" && ".join(there))
    places = by_host(rc)
    others = [engine for name in ("one", "three") for engine in places[name]]
    for name, (_, words) in OTHERS.items():
        array = np.load(files[name], mmap_mode="r")
        assert rc[others].apply_sync(lambda its: int(its[-1]), er.by_place(array)) == [199_999] * 2 * EACH
        with pytest.raises(WrongFile, match=words):
            rc[places["two"]].apply_sync(len, er.by_place(array))
        with pytest.raises(WrongFile, match=words):
            rc[places["two"]].push({"a": er.by_place(array)}, block=True)
    assert rc[:].apply_sync(int) == [0] * 3 * EACH


def test_a_file_that_may_only_be_read_there(start: Start, tmp_path: Path) -> None:
    file = saved(tmp_path / "data")
    rc = start(f"mount -o bind {file.parent} {file.parent} && mount -o remount,bind,ro {file.parent}")
    array = np.load(file, mmap_mode="r")
    assert rc[:].apply_sync(lambda its: int(its[-1]), er.by_place(array)) == [199_999] * 3 * EACH
