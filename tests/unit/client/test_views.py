"""Views: what they submit, and what comes back."""

from __future__ import annotations

import numpy as np
import pytest

import engineroom as er
from engineroom.client.client import Client
from engineroom.protocol.messages import Submit
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController, connected


def test_ids_and_indexing(rc: Client) -> None:
    assert rc.ids == [0, 1]
    assert len(rc) == 2
    assert rc[0].targets == 0
    assert rc[-1].targets == 1
    assert rc[:].targets == rc[(0, 1)].targets == rc[range(2)].targets == [0, 1]
    assert [view.targets for view in rc] == [0, 1]
    assert rc.direct_view().targets == "all"
    for one in (np.int64(1), np.array(1), np.uint8(1), True):
        assert rc[one].targets == rc.direct_view(one).targets == 1  # type: ignore[index]
        assert rc[one].apply_sync(abs, -3) == 3  # type: ignore[index]
        assert rc[:].pull("x", targets=one, block=False).msg_ids
    for several in (np.array([0, 1]), (np.int64(0), 1), {0: "a", 1: "b"}, (engine for engine in (0, 1))):
        assert rc[several].targets == [0, 1]  # type: ignore[index]
    assert rc[np.array([1])].targets == [1]  # type: ignore[index]
    for nothing in ("0", b"0", 0.0, None):
        with pytest.raises(TypeError):
            rc[nothing]  # type: ignore[index]


@pytest.mark.parametrize("key", [2, -3, [0, 7]])
def test_engines_that_do_not_exist_are_named(rc: Client, key: object) -> None:
    with pytest.raises(IndexError, match="the engines are 0-1"):
        rc[key]  # type: ignore[index]


def test_no_engines_says_what_to_do(fake: FakeController) -> None:
    fake.engines = []
    with connected(fake) as rc, pytest.raises(er.NoEnginesRegistered, match="wait_for_engines"):
        rc.direct_view().apply_sync(abs, 1)


def test_block_decides_what_apply_returns(rc: Client) -> None:
    view = rc[:]
    assert isinstance(view.apply(abs, -1), er.AsyncResult)
    view.block = True
    assert view.apply(abs, -1) == [1, 1]
    with view.temp_flags(block=False, targets=0):
        assert view.apply(abs, -1).get() == 1
    assert view.targets == [0, 1]
    assert view.set_flags(block=False) is view
    with pytest.raises(TypeError, match="has no flag colour"):
        view.set_flags(colour="red")


def test_one_submit_carries_a_payload_for_all_targets(rc: Client, fake: FakeController) -> None:
    rc[:].apply_sync(len, b"x" * 300_000)
    [submit] = fake.heard_of(Submit)
    assert submit.to == bytes(16) + bytes([1]) * 16
    assert submit.call.body.size > 300_000


def test_push_pull_and_items(rc: Client) -> None:
    view = rc[:]
    view.push({"a": 1, "b": 2}, block=True)
    view["c"] = 3
    view.update({"d": 4}).get()
    assert view["a"] == view.get("a") == [1, 1]
    assert view.pull(["a", "b"], block=True) == [[1, 2], [1, 2]]
    assert rc[0]["c"] == 3
    assert rc[1].pull(["c", "d"]).get() == [3, 4]


def test_scatter_and_gather(rc: Client) -> None:
    view = rc[:]
    view.scatter("a", range(5), block=True)
    assert view["a"] == [range(3), range(3, 5)]
    assert view.gather("a", block=True) == [0, 1, 2, 3, 4]
    view.scatter("a", range(5), dist="r", block=True)
    assert view.gather("a", dist="r", block=True) == [0, 1, 2, 3, 4]
    view.scatter("rank", view.targets, flatten=True, block=True)
    assert view["rank"] == [0, 1]
    for dist in "br":
        view.scatter("array", np.arange(7), dist, block=True)
        np.testing.assert_array_equal(view.gather("array", dist).get(), np.arange(7))
    with pytest.raises(ValueError, match="round robin"):
        view.scatter("a", [], dist="x")


def test_maps_of_both_views(rc: Client) -> None:
    for view in (rc[:], rc.load_balanced_view()):
        assert view.map_sync(pow, range(100), [2] * 100) == [number**2 for number in range(100)]
        assert view.map_sync(abs, (item for item in [-1, -2])) == [1, 2]
        assert view.map(abs, [-1], block=True) == [1]
        assert view.map_sync(abs, []) == []
        assert list(view.map(abs, np.arange(-2, 1))) == [2, 1, 0]


def test_map_can_return_exceptions(rc: Client) -> None:
    for view in (rc[:], rc.load_balanced_view()):
        first, second, third = view.map_sync(int, ["1", "x", "3"], return_exceptions=True)
        assert (first, third) == (1, 3)
        assert isinstance(second, ValueError)
        assert isinstance(second, er.RemoteError)
        assert second.engine_info["engine_id"] in {0, 1}


def test_balanced_flags_travel(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view([1], retries=3, rerun_lost=False, label="mine")
    assert view.apply_async(abs, -1).label == "mine"
    view.wait()
    [submit] = fake.heard_of(Submit)
    assert submit.to is None
    assert (submit.options.engines, submit.options.retries, submit.options.rerun_lost) == ((1,), 3, False)
    assert submit.options.label == "mine"


def test_balanced_calls_for_engines_that_have_left_are_submitted_for_they_may_be_started_again(
    rc: Client, fake: FakeController
) -> None:
    both, first = rc.load_balanced_view([0, 1]), rc.load_balanced_view(0)
    fake.do(fake.leave, 0, "killed by SIGKILL")
    assert rc._session.wait_until(lambda: rc.ids == [1], SECONDS)
    assert len(first) == 0
    assert len(both) == 1
    fake.do(fake.leave, 1, "killed by SIGKILL")
    assert rc._session.wait_until(lambda: rc.ids == [], SECONDS)
    results = [view.apply_async(abs, -1) for view in (both, first, rc.load_balanced_view([1, 0]))]
    assert len(first.map_async(abs, [1, 2])) == 2
    rc.wait(results, timeout=SECONDS)
    engines = [submit.options.engines for submit in fake.heard_of(Submit)]
    assert engines[:3] == [(0, 1), (0,), (1, 0)]
    assert set(engines[3:]) == {(0,)}
    for wrong in (7, [0, 7], -3):
        with pytest.raises((IndexError, er.NoEnginesRegistered)):
            rc.load_balanced_view(wrong)
    with pytest.raises(er.NoEnginesRegistered, match="killed by SIGKILL"):
        rc[0]


def test_imap_reads_no_further_than_it_must(rc: Client) -> None:
    read = []

    def endless():  # type: ignore[no-untyped-def]
        number = 0
        while True:
            read.append(number)
            yield number
            number += 1

    view = rc.load_balanced_view()
    for ordered in (True, False):
        read.clear()
        results = view.imap(abs, endless(), ordered=ordered, max_outstanding=4)
        taken = [next(results) for _ in range(20)]
        assert sorted(taken) == list(range(20)) if ordered else set(taken) <= set(range(24))
        assert len(read) <= 24
        results.cancel()
        assert list(results) == []
    assert list(view.imap(abs, [-1, -2])) == [1, 2]
    with pytest.raises(ValueError, match="max_outstanding"):
        view.imap(abs, [], max_outstanding=0)


def test_remote_functions(rc: Client) -> None:
    @rc[:].remote(block=True)
    def double(x: int) -> int:
        """Twice."""
        return 2 * x

    assert double(4) == [8, 8]
    assert double.__doc__ == "Remote function: a call runs on engines.\n\nTwice."

    @er.remote(rc.load_balanced_view())
    def triple(x: int) -> int:
        return 3 * x

    assert triple(4).get() == 12
    assert triple.map([1, 2]).get() == [3, 6]


def test_executors(rc: Client) -> None:
    with rc.executor() as pool:
        assert pool._max_workers == 2
        assert pool.submit(abs, -2).result() == 2
        assert list(pool.map(pow, [1, 2, 3], [2, 2, 2], timeout=SECONDS)) == [1, 4, 9]
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(abs, 1)
    assert rc[0].executor.submit(abs, -2).result() == 2


def test_shutdown_of_an_executor_cancels_or_waits(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    pool = rc.executor()
    futures = [pool.submit(abs, number) for number in range(3)]
    pool.shutdown(cancel_futures=True)
    assert all(future.cancelled() for future in futures)


def test_history_and_outstanding(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()
    first = view.apply_async(abs, 1)
    first.get()
    fake.holding = True
    second = view.apply_async(abs, 2)
    assert view.history == rc.history == first.msg_ids + second.msg_ids
    assert view.outstanding == rc.outstanding == set(second.msg_ids)
    assert not view.wait(timeout=0.01)
    assert not rc.wait(second, 0.01)
    fake.answer()
    assert view.wait(timeout=SECONDS)
    assert rc.wait()
    assert rc.wait(second.msg_ids)


def test_what_cannot_travel_is_named_at_the_call(rc: Client) -> None:
    import threading

    with pytest.raises(er.PackError, match="lock"):
        rc[0].apply_async(len, threading.Lock())
    with pytest.raises(TypeError, match="lock"):
        rc[0].push({"lock": threading.Lock()})
