"""Large data on one machine: one copy for all, private to each, and gone with those who have it."""

from __future__ import annotations

import builtins
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engineroom import Client, Cluster, Reference
from engineroom.machine.shared_memory.mapped import MAPPINGS
from engineroom.machine.shared_memory.pool import SHARED
from engineroom.protocol.connection_files import read_connection_file
from engineroom.protocol.questions import AskBounds
from engineroom.serialize.payloads import pack, unpack
from tests.patience import SECONDS
from tests.system.conftest import until

MIB = 2**20
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def controller_args() -> list[str]:
    return ["--nodb"]


def segments_of(pid: int) -> set[str]:
    """Return the inodes of what a process maps of others' memory."""
    lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    return {line.split()[4] for line in lines if "memfd:engineroom-payload" in line and " rw-p " in line}


def segments_held(pid: int) -> int:
    """Return how many descriptors of others' memory a process has open."""
    held = 0
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # it is closed meanwhile
            held += "memfd:engineroom-payload" in os.readlink(path)
    return held


def looks(data: Any) -> tuple[int, int, bool, str]:
    """Return what this engine sees of an array, and in which segment it lies."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    at = data.ctypes.data
    for line in maps:
        first, last = (int(each, 16) for each in line.split()[0].split("-"))
        if first <= at < last:
            return int(data[0]), int(data[-1]), data.flags.writeable, line.split()[4]
    raise AssertionError("an array lies somewhere")


def test_all_engines_map_one_copy_that_each_may_change_for_itself(rc: Client) -> None:
    data = np.full(8 * MIB, 1, np.uint8)
    rc[:].push({"shared": data}, block=True)
    data[:] = 2

    one, two = rc[:].apply_sync(looks, Reference("shared"))
    assert one == two
    assert one[:3] == (1, 1, True)
    assert one[3] in segments_of(rc[0].apply_sync(os.getpid))

    rc[0].execute("shared[:100] = 7", block=True)
    assert [int(each[0]) for each in rc[:].pull("shared", block=True)] == [7, 1]
    pulled = rc[0].pull("shared", block=True)
    pulled[:] = 9
    assert int(rc[0].pull("shared", block=True)[0]) == 7


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_other_large_values_go_the_same_way(rc: Client, kind: Any) -> None:
    value = kind(os.urandom(1000) * 1000)
    assert bytes(rc[0].apply_sync(lambda it: it, {"deep": [value]})["deep"][0]) == bytes(value)
    assert type(rc[0].apply_sync(lambda it: it, value)) is kind


def test_scattered_parts_come_back_together(rc: Client) -> None:
    data = np.arange(MIB, dtype=np.int64)
    rc[:].scatter("part", data, block=True)
    assert np.array_equal(rc[:].gather("part", block=True), data)


def test_gathered_arrays_are_private_and_stay_as_they_were(rc: Client) -> None:
    data = np.arange(2 * MIB, dtype=np.int64)
    rc[:].scatter("part", data, block=True)
    first = rc[:].gather("part", block=True)
    rc[:].execute("part[:] = 7", block=True)
    second = rc[:].gather("part", block=True)
    assert np.array_equal(first, data)
    first[:] = 5
    for whole in (second, rc[:].gather("part", block=True)):
        assert whole.flags.writeable
        assert np.all(whole == 7)


@pytest.mark.parametrize(
    "data",
    [
        np.arange(2_000_003),
        np.arange(4 * MIB, dtype=">u4").reshape(-1, 1024),
        np.arange(6 * MIB, dtype=np.uint8).reshape(2, -1),
        np.arange(3_000_000).astype("M8[s]").reshape(-1, 3),
        np.zeros(500_000, dtype=[("one", "i4"), ("other", "f8")]),
    ],
)
@pytest.mark.parametrize("dist", ["b", "r"])
def test_arrays_come_back_as_they_were_whatever_their_size_and_kind(rc: Client, data: Any, dist: str) -> None:
    rc[:].scatter("part", data, dist=dist, block=True)
    for _ in range(2):
        whole = rc[:].gather("part", dist=dist, block=True)
        assert (whole.dtype, whole.shape) == (data.dtype, data.shape)
        assert np.array_equal(whole, data)


def keep_in_a_child(data: Any) -> int:
    """Fork a child that has `data`, and says later what it sees of it; return its pid."""
    go_on, go = os.pipe()
    said, say = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        os.read(go_on, 1)
        os.write(say, bytes([int(data.min()), int(data.max())]))
        os._exit(0)
    os.close(go_on)
    os.close(say)
    builtins.child = pid, go, said  # type: ignore[attr-defined]
    return pid


def ask_the_child() -> list[int]:
    """Return the least and the largest value that the child sees."""
    pid, go, said = builtins.child  # type: ignore[attr-defined]
    os.close(go)
    seen = list(os.read(said, 2))
    os.close(said)
    os.waitpid(pid, 0)
    return seen


def use_again(file: str) -> None:
    """Push arrays, one after the other, and assert that they take turns in the same memory of this process."""
    with Client(file) as rc:
        view, size = rc[0], 24 * MIB

        def pushed(value: int) -> int:
            """Push an array, and return once nobody has its memory any more; how much this process has then."""
            assert view.apply_sync(lambda data: int(data[-1]), np.full(size, value, np.uint8)) == value
            until(lambda: SHARED.lent == 0)
            return SHARED.size

        once = pushed(3)
        assert [pushed(value) for value in (4, 5)] == [once, once]

        # Nothing has touched the pages of this array when the child is forked: they are whatever the segment has.
        view.apply_sync(keep_in_a_child, np.full(size, 6, np.uint8))
        until(lambda: SHARED.lent == 0)
        pushed(7)
        assert view.apply_sync(ask_the_child) == [6, 6]


def close_and_pack(file: str) -> None:
    """Assert that nothing is packed in shared memory any more once the last client is closed."""
    data = np.zeros(MIB, np.uint8)
    with Client(file) as rc:
        rc[0].push({"data": data}, block=True)
    packed = pack(data, copy=False)
    data[:] = 1
    assert unpack(b"".join(packed))[-1] == 1


@pytest.mark.parametrize("check", [use_again, close_and_pack])
def test_memory_is_used_again_unless_somebody_still_has_it(cluster: Cluster, check: Callable[[str], None]) -> None:
    # In a process of its own: what other tests have lent here does not count.
    script = f"import {__name__}; {__name__}.{check.__name__}({cluster.client_connection_file!r})"
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=3 * SECONDS, check=False
    )
    assert ran.returncode == 0, ran.stderr


def let_go() -> None:
    """Let go of the mappings that an engine keeps for a while though nothing looks at them."""
    MAPPINGS.kept.clear()


KILLED = """
import sys, time
import numpy as np
from engineroom import Client
rc = Client(sys.argv[1])
rc[:].push({"left": np.full(4 * 2**20, 8, np.uint8)}, block=True)
results = [rc[:].apply_async(time.sleep, 0.1), rc[:].apply_async(len, np.full(4 * 2**20, 9, np.uint8))]
print("pushed", flush=True)
time.sleep(600)
"""


def test_nothing_is_left_of_a_client_that_was_killed_but_what_engines_have(rc: Client, cluster: Cluster) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, cluster.client_connection_file], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "pushed\n"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert rc[:].apply_sync(int, Reference("left[-1]")) == [8, 8]
    pids = rc[:].apply_sync(os.getpid)
    rc[:].clear(block=True)

    def nothing_is_mapped() -> bool:
        rc[:].apply_sync(let_go)
        return not any(map(segments_of, pids))

    until(nothing_is_mapped)


def test_a_client_that_keeps_all_results_leaves_shared_memory_to_later_ones(tmp_path: Path) -> None:
    limit = 64 * MIB * (os.cpu_count() or 1)  # 64 MiB for each engine
    cluster = Cluster(
        n=1,
        profile_dir=tmp_path / "profile_kept",
        controller_args=["--nodb", f"--IPController.max_shared_bytes={limit}"],
    )
    with cluster as rc:
        kept = [rc[0].apply_sync(np.full, 5 * MIB, number, np.uint8) for number in range(40)]

        def has_room() -> bool:
            """Whether a result comes by shared memory, once what was copied has been given back."""
            rc[0].apply_sync(bytes, 5 * MIB)
            return rc._session.ask(AskBounds(), "which limits bind").words == ()  # type: ignore[union-attr]

        until(has_room)
        assert [(len(each), int(each[0]), int(each[-1])) for each in kept] == [(5 * MIB, k, k) for k in range(40)]
        kept[0][:] = kept[-1][:] = 255
        assert [int(each.max()) for each in kept[1:-1]] == list(range(1, 39))
        assert MAPPINGS.looked_at < 20


def test_a_history_takes_no_shared_memory_from_those_who_made_it(tmp_path: Path) -> None:
    """Arguments and results of ended tasks are kept in a database; what is under way has the shared memory."""
    cluster = Cluster(
        n=1, profile_dir=tmp_path / "profile_history", controller_args=[f"--IPController.max_shared_bytes={128 * MIB}"]
    )
    with cluster as rc:
        for number in range(30):
            data = np.full(5 * MIB, number, np.uint8)
            assert rc[0].apply_sync(lambda its: its, data)[-1] == number
        record = read_connection_file(cluster.client_connection_file).controller
        assert record is not None
        assert segments_held(record.pid) <= 16
        assert rc._session.ask(AskBounds(), "which limits bind").words == ()  # type: ignore[union-attr]
        entries = rc.db_query({"completed": {"$ne": None}}, keys=["msg_id"])
        assert len(entries) > 5
