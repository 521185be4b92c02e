"""Large results that nobody has read stay on the controller's machine: within it, all share one copy of them."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from engineroom import Client, Cluster, PackError
from tests.patience import SECONDS
from tests.system.conftest import until
from tests.system.test_faults_controller import controller_pid
from tests.system.test_shared_memory import ask_the_child, keep_in_a_child, looks, segments_held

MIB = 2**20


@pytest.fixture(scope="module")
def controller_args() -> list[str]:
    return ["--nodb"]


def make(seed: int) -> Any:
    return np.random.default_rng(seed).integers(0, 255, 16 * MIB, dtype=np.uint8)


def test_all_calls_of_a_machine_see_one_copy(rc: Client) -> None:
    first = rc[0].apply_async(make, 5)
    first.wait(SECONDS)
    calls = [rc[:].apply_async(looks, first) for _ in range(10)]
    seen = {its for each in calls for its in each.get(SECONDS)}
    value = first.get(SECONDS)
    assert seen == {looks(value)}  # one segment for all


def test_it_goes_when_it_is_read_and_when_its_handle_is_gone(cluster: Cluster, rc: Client) -> None:
    controller = controller_pid(cluster.client_connection_file)
    gc.collect()
    until(lambda: not segments_held(controller))
    read, dropped = rc[0].apply_async(bytes, 16 * MIB), rc[1].apply_async(bytes, 16 * MIB)
    read.wait(SECONDS)
    dropped.wait(SECONDS)
    assert segments_held(controller) == 2
    value = read.get(SECONDS)  # bytes have been copied
    until(lambda: segments_held(controller) == 1)
    del dropped
    gc.collect()
    until(lambda: not segments_held(controller))
    assert value == bytes(16 * MIB)


def test_of_more_than_may_stay_the_oldest_go_and_are_sent(rc: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rc._session.pins.stays, "most", 40 * MIB)
    results = [rc[0].apply_async(make, seed) for seed in range(8, 12)]
    for each in results:
        each.wait(SECONDS)
    stays = rc._session.pins.stays
    assert len(stays.all()) == 2
    wanted = [int(make(seed).sum()) for seed in range(8, 12)]
    assert [rc[1].apply_sync(lambda its: int(its.sum()), each) for each in results] == wanted


def test_a_kept_call_has_the_bytes(rc: Client) -> None:
    first = rc[0].apply_async(make, 12)
    first.wait(SECONDS)
    rc[:].push({"kept": first}, keep=True, block=True)
    try:
        assert rc[:].apply_sync(lambda its: int(its.sum()), first) == [int(make(12).sum())] * 2
        assert [len(each) for each in rc[:].pull("kept", block=True)] == [16 * MIB] * 2
    finally:
        rc.forget()
    unfinished = rc[0].apply_async(make, 13)
    with pytest.raises(PackError, match="has not ended"):
        rc[:].push({"kept": unfinished}, keep=True)
    unfinished.wait(SECONDS)


def test_a_child_of_the_engine_that_made_a_result_and_took_it_goes_on_having_it(rc: Client) -> None:
    def made(value: int) -> tuple[int, str]:
        """Have engine 0 make an array and take it; return what it finds there, and in which segment."""
        result = rc[0].apply_async(np.full, 24 * MIB, value, np.uint8)
        result.wait(SECONDS)
        first, _, _, segment = rc[0].apply_sync(looks, result)
        return first, segment

    seen: set[str] = set()

    def lies_where_another_lay(value: int) -> bool:
        """Whether an array lies where one lay that nobody has any more."""
        first, segment = made(value)
        assert first == value
        known = segment in seen
        seen.add(segment)
        return known

    until(lambda: lies_where_another_lay(3))
    result = rc[0].apply_async(np.full, 24 * MIB, 6, np.uint8)
    result.wait(SECONDS)
    rc[0].apply_sync(keep_in_a_child, result)  # nothing has touched its pages there
    del result
    for value in range(10, 20):
        assert made(value)[0] == value
    assert rc[0].apply_sync(ask_the_child) == [6, 6]
