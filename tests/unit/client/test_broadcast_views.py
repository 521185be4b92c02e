"""Broadcast views: everything that direct views do, in both modes, and always lists."""

from __future__ import annotations

import pytest

import engineroom as er
from engineroom.client.client import Client
from engineroom.protocol.messages import Submit
from tests.unit.client.fake_controller import FakeController


@pytest.fixture(params=[False, True], ids=["apart", "coalescing"])
def view(rc: Client, request: pytest.FixtureRequest) -> er.BroadcastView:
    return rc.broadcast_view(is_coalescing=request.param)


def test_calls_give_lists_in_the_order_of_the_targets(rc: Client, view: er.BroadcastView) -> None:
    assert isinstance(view, er.DirectView)
    assert len(view) == 2
    view.push({"who": 1}, targets=1, block=True)
    view.targets = [1, 0]
    view.scatter("part", [1, 2, 3], block=True)
    assert view.pull("part", block=True) == [[1, 2], [3]]
    assert view.gather("part", block=True) == [1, 2, 3]
    assert rc[0].pull("part", block=True) == [3]
    result = view.apply_async(abs, -1)
    assert result.get() == [1, 1]
    assert len(result) == len(result.msg_ids) == 2
    assert view.map_sync(abs, [-1, 2, -3]) == [1, 2, 3]
    assert list(view.imap(abs, [-1, 2, -3])) == [1, 2, 3]


def test_one_engine_gives_a_list_too(rc: Client) -> None:
    view = rc.broadcast_view(-1)
    assert (view.targets, view.apply_sync(abs, -1)) == ([1], [1])
    with pytest.raises(IndexError, match="there is no engine 7"):
        rc.broadcast_view([0, 7])


def test_labels_and_history(view: er.BroadcastView) -> None:
    view.label = "mine"
    result = view.apply_async(abs, -1)
    assert result.label == ["mine", "mine"]
    assert view.history == result.msg_ids
    assert view.with_flags(label="other").execute("1").label == ["other", "other"]
    assert view.wait()
    assert view.outstanding == set()


def test_data_is_sent_once(view: er.BroadcastView, fake: FakeController) -> None:
    view.push({"a": 1}, block=True)
    (submit,) = fake.heard_of(Submit)
    assert len(submit.to) == 2 * 16


def test_the_flag_is_a_flag_of_these_views_alone(rc: Client) -> None:
    assert rc.broadcast_view(coalescing=True).is_coalescing  # as some notebooks have it
    view = rc.broadcast_view(is_coalescing=True, block=True, label="mine")
    assert repr(view) == "<BroadcastView 'all' block=True is_coalescing=True label='mine'>"
    assert view.apply(abs, -2) == [2, 2]
    with view.temp_flags(is_coalescing=False):
        assert not view.is_coalescing
    assert view.is_coalescing
    assert view.remote(block=True, is_coalescing=False)(abs)(-3) == [3, 3]
    with pytest.raises(AttributeError, match=r"rc\.broadcast_view"):
        rc[:].is_coalescing  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(KeyError, match="nosuch"):
        view.set_flags(nosuch=1)  # type: ignore[call-arg]
