"""Questions that scripts written for ipyparallel ask, and the answers that they expect."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import inspect
import re

import numpy as np
import pytest

import engineroom as er
from engineroom.client.client import Client
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController


def test_questions_asked_too_early_are_errors(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc[:].apply_async(abs, -1)
    for name in ("wall_time", "serial_time"):
        with pytest.raises(TimeoutError, match=f"{name} is not available until all tasks have ended"):
            getattr(result, name)
    with pytest.raises(RuntimeError):
        result.successful()
    assert result.elapsed >= 0
    assert result.progress == 0
    assert result.status == result.error == result.received == [None, None]
    fake.answer()
    result.get(SECONDS)
    assert result.wall_time == result.elapsed > 0
    assert result.successful()
    assert result.status == ["ok", "ok"]


def test_memory_may_be_changed_at_once_unless_it_is_tracked(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    array = np.zeros(100_000)
    balanced, direct = rc.load_balanced_view(), rc[:]
    assert balanced.apply_async(len, array).sent
    assert direct.push({"a": array}).sent
    balanced.apply_async(len, array).wait_for_send(0)
    tracked = [
        balanced.with_flags(track=True).apply_async(len, array),
        direct.with_flags(track=True).apply_async(len, array),
        direct.push({"a": array}, track=True),
        direct.scatter("a", array, track=True),
        direct.map_async(abs, array, track=True),
        balanced.with_flags(track=True).map_async(abs, array, chunksize=len(array)),
        direct.with_flags(track=True).parallel()(len)(array),
    ]
    for result in tracked:
        assert not result.sent
        with pytest.raises(TimeoutError, match="track=True"):
            result.wait_for_send(0.001)
    fake.answer(13)
    for result in tracked:
        result.wait_for_send(SECONDS)
        assert result.sent


def test_the_metadata_are_offered_by_tab(rc: Client) -> None:
    result = rc[:].apply_async(abs, 1)
    offered = dir(result)
    assert {"stdout", "stderr", "engine_id", "started", "completed", "error", "execute_result"} <= set(offered)
    assert set(result.metadata[0]) <= set(offered)
    assert set(result.metadata[0]) <= set(dir(result.metadata[0]))
    users = """
        abort add_done_callback after cancel cancelled completed data display_outputs done elapsed engine_id
        engine_uuid error exception execute_input execute_result follow get get_dict join label metadata
        msg_id msg_ids outputs owner progress r ready received result result_dict running sent serial_time split
        started status stderr stdout stream_output submitted successful timedelta timedout timeline wait
        wait_for_output
        wait_for_send wait_interactive wall_time
    """
    assert [name for name in offered if not name.startswith("_")] == users.split()


def test_nothing_internal_is_offered_by_tab(rc: Client) -> None:
    balanced = """
        abort after apply apply_async apply_sync block client executor follow get_result gpu history imap label map
        map_async map_sync memory on_time_limit outstanding parallel priority purge_results queue_status
        register_joblib_backend remote rerun_lost resources results retries set_flags shutdown spin tag targets
        temp_flags time_limit timeout track wait with_flags
    """
    assert [name for name in dir(rc.load_balanced_view()) if not name.startswith("_")] == balanced.split()
    direct = """
        abort activate apply apply_async apply_sync block clear client execute executor forget gather get get_result
        history imap importer keep label map map_async map_sync on_time_limit outstanding parallel pull purge_results
        push queue_status register_joblib_backend remote results run scatter set_flags shutdown spin sync_imports
        targets temp_flags time_limit track update use_cloudpickle use_dill use_pickle wait with_flags
    """
    assert [name for name in dir(rc[:]) if not name.startswith("_")] == direct.split()
    client = """
        abort activate attach audit become_dask become_distributed block broadcast_view clear close
        cluster create_message_futures db_query debug direct_view executor forget get_result history hub_history ids
        kept load_balanced_view metadata outstanding profile publish purge_everything purge_hub_results
        purge_local_results purge_results queue_status
        resubmit result_status results room send_apply_request send_execute_request
        send_signal sessions show_output shutdown spin spin_thread stop_dask
        stop_distributed stop_spin_thread timeline versions wait wait_for_engines wait_interactive
    """
    assert [name for name in dir(rc) if not name.startswith("_")] == client.split()
    executor = "map shutdown submit view"
    assert [name for name in dir(rc.executor) if not name.startswith("_")] == executor.split()


def test_what_is_not_there_is_none(rc: Client) -> None:
    result = rc[0].apply_async(abs, 1)
    result.get()
    assert (result.error, result.label, result.after, result.follow) == (None, None, [], [])
    assert (result.outputs, result.data, result.execute_input, result.execute_result) == ([], {}, None, None)
    failing = rc[0].apply_async(int, "x")
    failing.wait()
    assert isinstance(failing.error, ValueError)
    assert failing.error is failing.exception()


def test_a_result_tells_what_its_task_waited_for(rc: Client) -> None:
    first = rc[:].apply_async(abs, 1)
    view = rc.load_balanced_view()
    with view.temp_flags(after=first, follow=first.msg_ids[1]):
        second = view.apply_async(abs, 2)
    assert (second.after, second.follow) == (first.msg_ids, first.msg_ids[1:])
    second.wait()
    assert second.metadata["after"] == first.msg_ids


def test_results_by_engine(rc: Client) -> None:
    assert rc[:].apply_async(abs, -1).result_dict == {0: 1, 1: 1}
    assert rc[1].apply_async(abs, -1).result_dict == {1: 1}


def test_times_between_two_facts(rc: Client) -> None:
    result = rc[:].apply_async(abs, 1)
    result.get()
    assert result.timedelta(result.started, result.completed) >= 0
    one = rc[0].apply_async(abs, 1)
    one.get()
    assert one.timedelta(one.submitted, one.submitted + dt.timedelta(seconds=2)) == 2.0
    assert result.timedelta(result.submitted, result.submitted, max, min) <= 0


def test_split_and_join(rc: Client) -> None:
    one = rc[0].apply_async(abs, -1)
    assert one.split() == (one,)
    several = rc[:].apply_async(abs, -2)
    children = several.split()
    assert isinstance(children, tuple)
    assert [child.get() for child in children] == [2, 2]
    mapped = rc.load_balanced_view().map_async(abs, [-3, -4])
    joined = er.AsyncResult.join(one, several, mapped)
    assert joined.get() == list(joined) == [1, 2, 2, 3, 4]
    assert joined[0] == joined[-5] == 1
    assert joined[-2:] == [3, 4]
    assert joined.successful()
    assert joined.msg_ids == one.msg_ids + several.msg_ids + mapped.msg_ids
    assert er.AsyncResult.join(*children).get() == [2, 2]
    with pytest.raises(ValueError, match="at least one"):
        er.AsyncResult.join()


def test_a_map_is_split_by_items(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    view = rc.load_balanced_view()
    whole = view.map_async(lambda x: 1 / x, [1, 2, 0, 4, 5], chunksize=2)
    items = whole.split()
    assert [len(item) for item in items] == [1] * 5
    assert not any(item.done() for item in items)
    fake.answer(1)
    assert items[1].get(SECONDS) == [0.5]
    assert not items[2].done()
    fake.answer(2)
    assert items[4].result(SECONDS) == [0.2]
    assert items[3].get() == list(items[3]) == [0.25]
    with pytest.raises(ZeroDivisionError):
        items[2].get()
    assert items[2].error == [items[2].exception()]
    assert items[3].error == [None]
    assert items[3].exception() is None
    fake.holding = False
    assert [item.get() for item in view.map_async(abs, [-1, -2]).split()] == [[1], [2]]
    assert [item.get() for item in rc[:].map_async(abs, [-1, -2, -3]).split()] == [[1], [2], [3]]
    assert view.map_async(abs, []).split() == ()
    assert er.AsyncResult.join(*view.map_async(abs, [-1, -2]).split()).get() == [1, 2]


def test_a_join_ends_with_its_parts(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    view = rc.load_balanced_view()
    good, bad, cancelled = view.apply_async(abs, -1), view.apply_async(int, "x"), view.apply_async(abs, -2)
    joined = er.AsyncResult.join(good, bad)
    with pytest.raises(TimeoutError):
        joined.get(0.001)
    assert not joined.ready()
    fake.answer(1)
    good.get(SECONDS)
    assert not joined.ready()
    fake.answer(2)
    with pytest.raises(er.CompositeError, match="invalid literal"):
        joined.get(SECONDS)
    assert joined.get(return_exceptions=True)[0] == 1
    assert not joined.successful()
    fake.holding = True
    late = view.apply_async(abs, -2)
    joined = er.AsyncResult.join(cancelled, late)
    assert cancelled.get() == 2
    assert late.cancel()
    assert joined.wait(SECONDS)
    assert not joined.successful()


def test_any_future_can_be_waited_for(rc: Client, fake: FakeController) -> None:
    future: concurrent.futures.Future[int] = concurrent.futures.Future()
    result = rc[0].apply_async(abs, 1)
    result.get()
    assert not rc.wait(future, 0.001)
    assert not rc.wait([result, future], timeout=0.001)
    assert not rc[0].wait([future], 0.001)
    future.set_result(3)
    assert rc.wait(future)
    assert rc.wait([result, future, result.msg_ids], 1)
    assert rc.wait([[future], (result,)], 1)
    assert rc.wait(-1, 1)
    fake.holding = True
    late = rc[0].apply_async(abs, 1)
    assert not rc.wait([late, future], 0.001)
    assert not rc.wait(-1, 0.001)


def test_results_are_found_again(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    view = rc.load_balanced_view()
    one, several = view.apply_async(abs, -1), rc[:].apply_async(abs, -2)
    assert rc.get_result(one) is one
    assert rc.get_result(one.msg_ids[0]) is one
    last = rc.get_result()
    assert last.msg_ids == several.msg_ids[-1:]
    both = rc.get_result(several.msg_ids)
    mixed = rc.get_result([one, several.msg_ids[0]])
    assert rc.result_status(one.msg_ids) == {"pending": one.msg_ids, "completed": []}
    assert view.get_result().msg_ids == one.msg_ids
    fake.answer(2)
    assert both.get(SECONDS) == [2, 2]
    assert last.get(SECONDS) == 2
    assert mixed.get(SECONDS) == [1, 2]
    assert rc.result_status([one, *several.msg_ids])["completed"] == one.msg_ids + several.msg_ids
    assert rc.get_result(several.msg_ids[0]).get() == 2
    assert rc.get_result(several.msg_ids).get() == [2, 2]
    rc.purge_results(several)
    found = rc.get_result(several.msg_ids[0])
    assert isinstance(found, er.AsyncHubResult)
    assert found.get(SECONDS) == 2
    with pytest.raises(KeyError, match="is known"):
        rc.result_status([f"{'0' * 32}_1"])
    with pytest.raises(IndexError, match="submitted 3"):
        rc.get_result(7)
    with pytest.raises(TypeError, match="expected an AsyncResult or a message id"):
        rc.get_result(1.5)  # type: ignore[arg-type]


def test_calls_without_a_result_return_none_once_they_waited(rc: Client) -> None:
    view = rc[:]
    assert view.push({"a": 1}, block=True) is None
    assert view.scatter("a", [1, 2], block=True) is None
    assert view.update({"a": 1}).get() == [None, None]
    with view.temp_flags(block=True):
        assert view.push({"a": 1}) is None


def test_flags_of_remote_functions_may_change(rc: Client) -> None:
    def double(x: int) -> int:
        """Twice."""
        return 2 * x

    function = rc[0].remote(block=True, label="mine")(double)
    assert function(2) == 4
    function.block = False
    assert function(2).get() == 4
    assert function(2).label == "mine"
    function.flags["label"] = "yours"
    assert function(2).label == "yours"
    assert function.func is double
    assert "emote" in str(er.remote(rc[0])(double).__doc__)
    assert str(function.__doc__).endswith("Twice.")
    assert list(inspect.signature(function).parameters) == ["x"]
    assert rc[0].remote()(len).__doc__.startswith("Remote function")  # type: ignore[union-attr]


def test_waiting_shows_how_far_it_is(rc: Client, fake: FakeController, capsys: pytest.CaptureFixture[str]) -> None:
    fake.holding = True
    result = rc[:].apply_async(abs, -1)
    assert not result.wait_interactive(interval=0.001, timeout=0.01)
    assert not rc.wait_interactive(result, 0.001, 0.01)
    assert not rc.wait_interactive(interval=0.001, timeout=0.01)
    assert "0 of 2 tasks done after 0.0 s" in capsys.readouterr().err
    fake.answer()
    assert result.wait_interactive(timeout=SECONDS)
    assert rc.wait_interactive(timeout=SECONDS)
    assert rc.wait_interactive(result.msg_ids)


def test_reprs_tell_how_far_things_are(rc: Client, fake: FakeController) -> None:
    assert repr(rc).startswith("<Client: 2 engines")
    assert repr(rc).endswith("0 unfinished tasks>")
    assert repr(rc[0]) == "<DirectView 0>"
    assert repr(rc[:]) == "<DirectView [0, 1]>"
    assert repr(rc.load_balanced_view(retries=2, label="x")) == "<LoadBalancedView all label='x' retries=2>"
    assert repr(rc.direct_view(list(range(2)) * 5)) == "<DirectView [0-1, 0-1, 0-1, 0-1, 0-1]>"
    fake.holding = True
    one, several = rc[0].apply_async(abs, -1), rc[:].apply_async(int, "x")
    assert re.fullmatch(r"<AsyncResult\(apply:abs\): pending for \d\.\d s>", repr(one))
    assert re.fullmatch(r"<AsyncResult\(apply:int\): 0 of 2 done after \d\.\d s>", repr(several))
    fake.answer(1)
    one.get(SECONDS)
    assert re.fullmatch(r"<AsyncResult\(apply:abs\): finished in \d\.\d s>", repr(one))
    fake.answer()
    several.wait(SECONDS)
    error = r"ValueError: invalid literal for int\(\) with base 10: 'x'"
    assert re.fullmatch(rf"<AsyncResult\(apply:int\): finished in \d\.\d s, 2 failed: {error}>", repr(several))
    assert repr(rc[0].remote()(len)) == "<RemoteFunction len on <DirectView 0>>"
