"""Large results go from the controller's machine to the tasks that need them, and come to their client once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engineroom import Client, Cluster
from engineroom.protocol.connection_files import read_connection_file
from tests.patience import SECONDS
from tests.system.held_tasks import Mark, wait_for_file
from tests.system.proxy import Proxy, through
from tests.system.typed_in_ipython import Typed, ipython

MIB = 2**20


def make(seed: int, path: str = "") -> Any:
    if path:
        wait_for_file(path)
    return np.random.default_rng(seed).integers(0, 255, 8 * MIB, dtype=np.uint8)


def total(its: Any, mark: str = "") -> int:
    """Return the sum of an array, and change it: it is this task's own."""
    if mark:
        wait_for_file(mark)
    found = int(its.sum())
    its[:] = 0
    return found


@pytest.fixture
def far(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Client, Proxy]]:
    """Yield a client at the other end of a cable."""
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")
    with Proxy(read_connection_file(cluster.client_connection_file).port) as proxy:
        file = through(proxy, cluster.client_connection_file, tmp_path / "client.json")
        with Client(file, timeout=SECONDS) as rc:
            rc.wait_for_engines(2, timeout=SECONDS)
            yield rc, proxy


def test_a_result_that_is_an_argument_does_not_come_back_from_its_client(far: tuple[Client, Proxy], mark: Mark) -> None:
    rc, proxy = far
    view, before = rc.load_balanced_view(), proxy.carried
    first = rc[0].apply_async(make, 1, str(mark))
    direct = rc[1].apply_async(lambda its: int(its.sum()), first)
    nested = rc[:].apply_async(lambda its: int(its["deep"][0].sum()), {"deep": [first]})
    second = view.apply_async(lambda its: its // 2, first)
    both = view.apply_async(lambda one, other: int((one // 2 == other).sum()), first, second)
    mark.set()
    wanted = int(make(1).sum())
    assert (direct.get(SECONDS), nested.get(SECONDS)) == (wanted, [wanted] * 2)
    assert both.get(SECONDS) == 8 * MIB
    assert int(first.get(SECONDS).sum()) == wanted
    assert np.array_equal(second.get(SECONDS), make(1) // 2)
    assert proxy.carried - before < 20 * MIB  # each of the two has come, and nothing has gone back


def test_ten_calls_take_a_result_that_nobody_sends_again(far: tuple[Client, Proxy]) -> None:
    rc, proxy = far
    first, wanted = rc[0].apply_async(make, 1), int(make(1).sum())
    first.wait(SECONDS)
    before = proxy.carried
    balanced = [rc.load_balanced_view().apply_async(total, first) for _ in range(5)]
    direct = [rc[:].apply_async(total, first) for _ in range(5)]
    assert [each.get(SECONDS) for each in balanced] == [wanted] * 5
    assert [each.get(SECONDS) for each in direct] == [[wanted] * 2] * 5
    assert proxy.carried - before < MIB
    assert int(first.get(SECONDS).sum()) == wanted


def test_what_was_read_is_sent_as_its_reader_has_it(far: tuple[Client, Proxy]) -> None:
    rc, proxy = far
    first = rc[0].apply_async(make, 2)
    first.get(SECONDS)[:] = 1
    before = proxy.carried
    assert rc[1].apply_sync(total, first) == 8 * MIB
    assert proxy.carried - before > 8 * MIB


def test_a_call_has_the_result_that_was_there_when_it_was_made(far: tuple[Client, Proxy], mark: Mark) -> None:
    rc, _ = far
    first, wanted = rc[0].apply_async(make, 3), int(make(3).sum())
    first.wait(SECONDS)
    later = rc[:].apply_async(total, first, str(mark))
    first.get(SECONDS)[:] = 0
    del first
    gc.collect()
    mark.set()
    assert later.get(SECONDS) == [wanted] * 2


def test_after_a_cut_calls_have_what_they_took_and_what_they_take(far: tuple[Client, Proxy], mark: Mark) -> None:
    rc, proxy = far
    first, wanted = rc[0].apply_async(make, 4), int(make(4).sum())
    first.wait(SECONDS)
    before = rc[:].apply_async(total, first, str(mark))
    proxy.cut()
    during = rc.load_balanced_view().apply_async(total, first)
    proxy.heal()
    after = rc[1].apply_async(total, first)
    mark.set()
    assert (before.get(SECONDS), during.get(SECONDS)) == ([wanted] * 2, wanted)
    assert after.get(SECONDS) == wanted


def test_cells_use_what_was_published_and_pushed(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    with ipython() as shell, cluster.connect_client_sync() as rc:
        rc.wait_for_engines(2, timeout=SECONDS)
        typed = Typed(shell, capsys)
        rc.activate()
        with rc.publish(make(2)) as ref:
            rc[:].push({"table": ref, "both": {"deep": [ref]}}, block=True)
            said = typed.right("%px print(int(table.sum()), table is both['deep'][0], table.flags.writeable)")
        assert said == f"[stdout:0-1] {make(2).sum()} True False\n"
        said = typed.right("%px print(int(table[0]), table.flags.writeable)")  # what was pushed stays
        assert said == f"[stdout:0-1] {make(2)[0]} False\n"
        rc[:].execute("del table, both", block=True)
