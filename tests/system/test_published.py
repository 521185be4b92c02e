"""Published values: sent once, named by any number of calls, gone when they are released and nobody needs them."""

from __future__ import annotations

import gc
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engineroom as er
from engineroom import Client, Cluster
from tests.patience import SECONDS
from tests.system.conftest import until
from tests.system.held_tasks import wait_for_file
from tests.system.values_here import lose, published_here

MIB = 2**20


@pytest.fixture(scope="module")
def controller_args() -> list[str]:
    return ["--nodb"]


@pytest.fixture
def rc(rc_either_way: Client) -> Client:
    return rc_either_way


def anywhere(rc: Client, digest: bytes) -> bool:
    return any(rc[:].apply_sync(published_here, digest))


def test_any_call_takes_it_and_none_sends_it_again(rc: Client) -> None:
    data = np.arange(MIB, dtype=float)
    dv, lbv = rc[:], rc.load_balanced_view()
    with rc.publish(data) as ref:
        data[:] = 0
        assert dv.apply_sync(lambda x: (float(x[5]), x.flags.writeable), ref) == [(5.0, False)] * 2
        nested = [{"deep": [(ref, number)]} for number in range(10)]
        assert lbv.map_sync(lambda item: float(item["deep"][0][0][item["deep"][0][1]]), nested) == list(range(10))
        assert lbv.map_sync(lambda number: float(ref[number]), range(20), chunksize=3) == list(range(20))
        assert dv.map_sync(lambda number: float(ref[number]), range(4)) == list(range(4))
        assert list(lbv.imap(lambda x, number: float(x[number]), [ref] * 3, range(3))) == [0, 1, 2]
        dv.push({"pushed": ref, "also": [ref]}, block=True)
        assert (
            dv.apply_sync(lambda x, y: float(x[3] + y[0][4]), er.Reference("pushed"), er.Reference("also")) == [7.0] * 2
        )
        first = lbv.apply_async(lambda x: x[:2], ref)
        assert lbv.apply_sync(lambda x, y: float(x.sum() + y[7]), first, ref) == 8.0
        places = dv.apply_sync(lambda x: x.ctypes.data, ref)
        assert places == dv.apply_sync(lambda x: x.ctypes.data, ref)
    dv.execute("del pushed, also", block=True)


def test_it_is_gone_once_it_is_released_and_no_task_needs_it(rc: Client, tmp_path: Path) -> None:
    ref = rc.publish({"a": np.ones(MIB // 4), "b": "text"})
    assert ref._part is not None
    digest, door = ref._part.hash, tmp_path / "door"

    def behind(path: str, value: Any) -> float:
        wait_for_file(path)
        return float(value["a"].sum())

    assert rc[:].apply_sync(lambda x: x["b"], ref) == ["text"] * 2
    waiting = [rc[0].apply_async(behind, str(door), ref) for _ in range(3)]
    ref.release()
    ref.release()
    assert (ref.released, repr(ref)) == (True, "<Published dict: released>")
    gc.collect()
    assert rc[1].apply_sync(published_here, digest)
    door.touch()
    assert [each.get(SECONDS) for each in waiting] == [MIB // 4] * 3
    del waiting
    gc.collect()
    assert until(lambda: not anywhere(rc, digest))
    with pytest.raises(er.PackError, match="was released, so no further call can take it"):
        rc[:].apply_async(len, ref)
    with pytest.raises(er.PackError, match="was released"):
        rc[:].apply_async(lambda: len(ref))


def test_the_same_content_is_one_until_the_last_is_released(rc: Client) -> None:
    one, two = (rc.publish(np.full(MIB, 3, np.uint8)) for _ in range(2))
    assert rc[:].apply_sync(lambda x, y: int(x[0] + y[-1]), one, two) == [6, 6]
    assert one._part is not None
    digest = one._part.hash
    one.release()
    gc.collect()
    assert rc[:].apply_sync(lambda y: int(y[0]), two) == [3, 3]
    assert all(rc[:].apply_sync(published_here, digest))
    two.release()
    gc.collect()
    assert until(lambda: not anywhere(rc, digest))


def test_a_client_that_ends_takes_it_along(cluster: Cluster, rc: Client) -> None:
    other = cluster.connect_client_sync()
    ref = other.publish(np.full(MIB, 5, np.uint8))
    assert other[:].apply_sync(lambda x: int(x[0]), ref) == [5, 5]
    for call in (lambda: rc[:].apply_async(len, ref), lambda: other[:].push({"a": ref}, keep=True)):
        with pytest.raises(er.PackError, match=r"is of another client|cannot be kept"):
            call()
    other.close()
    with pytest.raises(er.PackError, match="a client that is closed"):
        rc[:].apply_async(len, ref)
    with pytest.raises(er.PackError, match="can only be sent as an argument of a call"):
        pickle.dumps(ref)


def test_an_engine_that_lacks_it_gets_it_again(rc: Client) -> None:
    with rc.publish(np.full(MIB, 7, np.uint8)) as ref:
        assert ref._part is not None
        assert rc[1].apply_sync(lambda x: int(x[0]), ref) == 7
        rc[1].apply_sync(lose, ref._part.hash)
        assert rc[1].apply_sync(lambda x: int(x[-1]), ref) == 7
        assert rc[1].push({"a": ref}, block=True) is None


def test_a_file_by_its_place(rc: Client, tmp_path: Path) -> None:
    path = tmp_path / "data.npy"
    np.save(path, np.arange(100_000))
    array = np.load(path, mmap_mode="r")
    place = er.by_place(array[::-10])
    assert rc[:].apply_sync(lambda x: (int(x[0]), len(x), x.flags.writeable), place) == [(99_999, 10_000, False)] * 2
    assert rc.load_balanced_view().map_sync(lambda x: int(x[1]), [place] * 3) == [99_989] * 3
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="has been truncated"):
        er.by_place(array)


def test_a_reference_that_was_kept_elsewhere_does_not_keep_the_data(rc: Client) -> None:
    ref = rc.publish(np.full(MIB, 105, np.uint8))
    assert ref._part is not None
    digest = ref._part.hash
    elsewhere = {"deep": [ref, ref]}
    assert rc[0].apply_sync(lambda its: int(its["deep"][1][0]), elsewhere) == 105
    ref.release()
    gc.collect()
    until(lambda: not anywhere(rc, digest))
    for call in (
        lambda: rc[0].apply_async(len, elsewhere),
        lambda: rc[:].push({"a": elsewhere}),
        lambda: rc.load_balanced_view().map_async(len, [elsewhere]),
        lambda: rc[:].scatter("a", [ref] * 2),
    ):
        with pytest.raises(er.PackError, match="was released, so no further call can take it"):
            call()


def test_two_clients_that_publish_the_same_each_have_their_own(cluster: Cluster, rc: Client) -> None:
    data = np.full(MIB, 6, np.uint8)
    with cluster.connect_client_sync() as other:
        mine, theirs = rc.publish(data), other.publish(data)
        assert rc[:].apply_sync(lambda x: int(x[0]), mine) == other[:].apply_sync(lambda x: int(x[0]), theirs)
        theirs.release()
        gc.collect()
        assert rc[:].apply_sync(lambda x: int(x[0]), mine) == [6, 6]
    assert rc[:].apply_sync(lambda x: int(x[0]), mine) == [6, 6]
    mine.release()


def test_what_cannot_be_published(rc: Client) -> None:
    generator = (number for number in range(3))
    with pytest.raises(er.PackError):
        rc.publish(generator)
    with open(os.devnull) as file, pytest.raises(er.PackError):
        rc.publish(file)
    objects = np.array([{"a": 1}, [2], "three"], dtype=object)
    with rc.publish(objects) as ref:
        assert rc[:].apply_sync(lambda x: x[1], ref) == [[2], [2]]
