"""What is too long for a message is an error of the call that asks for it, and of no other."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom.client.client import Client
from engineroom.client.connection.session import Session
from engineroom.client.results.async_result import AsyncResult
from engineroom.client.views.options import options_of
from engineroom.errors import EngineError, EngineroomError
from engineroom.protocol.messages import DEFAULT_OPTIONS, Kind, Options, Shutdown, Signal, Submit
from engineroom.protocol.ranges import MOST_LISTED, WORD
from engineroom.serialize.payloads import pack
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"label": "x" * 2_000_000}, "this label has 2000000 characters, and the limit is 1024"),
        ({"label": "\ud800"}, "this label is not valid Unicode"),
        ({"retries": 10**30}, f"retries must be between 0 and 2147483648, not {10**30}"),
        ({"retries": -1}, "retries must be between 0 and 2147483648, not -1"),
    ],
)
def test_a_flag_out_of_range_is_refused_at_the_call(rc: Client, flags: dict[str, Any], words: str) -> None:
    view = rc.load_balanced_view(**flags)

    with pytest.raises(ValueError, match=words):
        view.apply_async(int)
    with pytest.raises(ValueError, match=words):
        view.map_async(int, [1])
    assert rc.outstanding == set()
    assert rc.load_balanced_view().apply_sync(int) == 0


def test_so_is_a_label_of_a_direct_call(rc: Client) -> None:
    with pytest.raises(ValueError, match="this label has 1025 characters"):
        rc[:].map_async(int, [1], label="x" * (WORD + 1))
    with pytest.raises(TypeError, match="label must be a str, not int"):
        rc[0].execute("a = 1", label=5)  # type: ignore[arg-type]  # as somebody may write it
    assert rc.outstanding == set()


def test_a_view_of_more_engines_than_a_message_lists_is_refused() -> None:
    with pytest.raises(ValueError, match="this view names 60000 engines, and the limit is 8192; use a view of all"):
        options_of("", tuple(range(60_000)))
    assert options_of("", tuple(range(MOST_LISTED))) == Options(engines=tuple(range(MOST_LISTED)))
    assert options_of("") is DEFAULT_OPTIONS


@pytest.mark.parametrize("label", ["x" * 2**20, "\ud800"])
def test_a_call_that_no_record_can_carry_ends_and_the_others_go_on(rc: Client, session: Session, label: str) -> None:
    """However it came about: the options are checked where views make them."""
    lone = rc.load_balanced_view().apply_async(int)
    results = [rc.load_balanced_view().apply_async(int) for _ in range(3)]
    bad: AsyncResult[Any] = AsyncResult(session, "bad")
    session.submit(Kind.APPLY, pack(1), bad, options=Options(label=label))
    results += [rc.load_balanced_view().apply_async(int) for _ in range(3)]

    with pytest.raises(EngineError, match="Submit cannot be sent"):
        bad.get(SECONDS)
    assert [result.get(SECONDS) for result in [lone, *results]] == [0] * 7


def test_a_question_that_no_record_can_carry_is_answered(rc: Client, session: Session) -> None:
    with pytest.raises(EngineroomError, match="Signal cannot be sent"):
        session.request(lambda number: Signal((2**70,), 2, number), "a signal")
    assert rc.load_balanced_view().apply_sync(int) == 0


def test_lists_of_many_engines_travel_in_pieces(rc: Client, fake: FakeController) -> None:
    def join_all() -> None:
        for engine in range(2, 2 * MOST_LISTED + 1):
            fake.join(engine, engine.to_bytes(16))

    fake.do(join_all)
    assert wait_until(lambda: len(rc.ids) == 2 * MOST_LISTED + 1)
    fake.holding = True
    fake.heard.clear()

    result = rc[:].apply_async(int)
    rc.shutdown(block=False)

    assert wait_until(lambda: len(fake.heard_of(Shutdown)) == 3)
    assert [len(message.engines) for message in fake.heard_of(Shutdown)] == [MOST_LISTED, MOST_LISTED, 1]
    assert [len(message.to) // 16 for message in fake.heard_of(Submit)] == [MOST_LISTED, MOST_LISTED, 1]
    assert len(result.msg_ids) == 2 * MOST_LISTED + 1
    assert len(set(result.msg_ids)) == 2 * MOST_LISTED + 1
