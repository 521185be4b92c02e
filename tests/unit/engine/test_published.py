"""What tasks publish: the latest values, bounded, live, and its client's own copies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.state.output import TaskOutput as Received
from engineroom.engine import datapub
from engineroom.engine.attempts import Attempt
from engineroom.engine.capture import Sink, writer
from engineroom.engine.published import LIMIT, Published, TooMuchPublished
from engineroom.engine.task_output import TaskOutput
from engineroom.errors import PackError
from engineroom.ids import SessionId, task_id
from engineroom.protocol.messages import Call, Display, Displays, Output, Run
from engineroom.protocol.ranges import MOST_DISPLAY

KEY = task_id(SessionId(bytes(16)), 1), 1


@pytest.fixture
def running() -> Iterator[Attempt]:
    """An attempt that runs here, as on an engine."""
    attempt = Attempt.of(Run(*KEY, Call(0)))
    datapub.publish_to(Sink(limit=100, log=lambda _: None).publish)
    token = writer.set(attempt)
    yield attempt
    writer.reset(token)
    datapub.publish_to(None)


def taken(attempt: Attempt, *, end: bool = False) -> list[Output | Display]:
    assert attempt.output is not None
    return attempt.output.take(attempt.key, end=end)


def received(messages: list[Output | Display]) -> dict[Any, Any]:
    """Return what a client that got these messages reads as `ar.data`."""
    output = Received()
    for message in messages:
        output.add(message)
    return {} if output.data is None else output.data.read()


def test_the_latest_values_of_all_names_are_there(running: Attempt) -> None:
    datapub.publish_data({"a": 1, "b": [2]})
    first = taken(running)
    datapub.publish_data({"a": 3, (4, 5): "c"})
    later = taken(running, end=True)
    assert received(first) == {"a": 1, "b": [2]}
    assert received(first + later) == received(later) == {"a": 3, "b": [2], (4, 5): "c"}
    assert received(later + first) == received(later), "what comes late is older"


def test_only_the_last_message_is_kept_to_be_said_again(running: Attempt) -> None:
    for number in range(100):
        datapub.publish_data({"a": number})
        taken(running)
    assert running.output is not None
    assert [received([message]) for message in running.output.said] == [{"a": 99}]
    assert taken(running) == []


def test_large_values_are_sent_less_often_and_at_the_end(running: Attempt) -> None:
    sent = 0
    for number in range(100):
        datapub.publish_data({"a": (number, bytes(LIMIT // 2))})
        sent += bool(taken(running))
    assert 10 <= sent <= 13
    datapub.publish_data({"a": "last"})
    assert received(taken(running, end=True)) == {"a": "last"}


def test_text_and_values_are_counted_apart(running: Attempt) -> None:
    datapub.publish_data({"a": 1})
    assert running.output is not None
    running.output.write(1, "text")
    text, values = taken(running)
    assert (text.seq, values.seq) == (0, 0)
    output = Received()
    for message in (values, text, values, text):
        output.add(message)
    assert output.stdout == "text"
    assert output.data is not None


def test_a_snapshot_is_published(running: Attempt) -> None:
    values = [1]
    datapub.publish_data({"a": values})
    values.append(2)
    assert received(taken(running)) == {"a": [1]}


def test_values_that_are_too_large_are_refused_and_those_before_stay(running: Attempt) -> None:
    datapub.publish_data({"a": 1})
    with pytest.raises(
        ValueError, match=r"take 1,0\d\d,\d\d\d bytes, and the limit is 1,0\d\d,\d\d\d bytes. Publish less"
    ):
        datapub.publish_data({"a": 2, "b": bytes(2**20)})
    assert received(taken(running)) == {"a": 1}


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, LIMIT // 2), max_size=3), max_size=8))
def test_whatever_is_published_fits_one_message_and_is_the_latest(updates: list[dict[str, int]]) -> None:
    published, expected = Published(), {}
    for update in updates:
        items: dict[object, tuple[bytes, bytes]] = {name: (name.encode(), bytes(size)) for name, size in update.items()}
        try:
            published.update(items)
        except TooMuchPublished:
            continue
        expected.update(items)
        content = published.take(end=True)
        assert content is not None
        assert len(content) <= published.size + 8 <= MOST_DISPLAY
    assert published._items == expected


@pytest.mark.parametrize("wrong", [None, 3, "a", [("a", 1)]])
def test_only_dicts_can_be_published(running: Attempt, wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"publish_data\(\) takes a dict, not "):
        datapub.publish_data(wrong)
    assert running.output is None


def test_what_cannot_be_sent_is_named(running: Attempt) -> None:
    with pytest.raises(PackError, match="the value of 'a'"):
        datapub.publish_data({"a": (each for each in ())})
    assert running.output is None


def test_outside_a_task_there_is_nobody_to_publish_to(running: Attempt) -> None:
    running.ended = True
    with pytest.raises(RuntimeError, match="no task runs on this engine now"):
        datapub.publish_data({"a": 1})
    running.ended = False
    running.output = TaskOutput(100)
    running.output.take(KEY, end=True)
    with pytest.raises(RuntimeError, match="no task runs on this engine now"):
        datapub.publish_data({"a": 1})
    datapub._place.process += 1
    with pytest.raises(RuntimeError, match="this process was started by a task"):
        datapub.publish_data({"a": 1})
    datapub.publish_to(None)
    with pytest.raises(RuntimeError, match="works in a task that runs on an engine, and this process is not an engine"):
        datapub.publish_data({"a": 1})


class Elsewhere:
    """Can be pickled, and not unpickled."""

    def __reduce__(self) -> Any:
        return int, ("not a number",)


def test_in_place_of_a_value_that_cannot_be_opened_is_its_error(running: Attempt) -> None:
    datapub.publish_data({"good": 1, "bad": Elsewhere()})
    found = received(taken(running))
    assert found["good"] == 1
    assert isinstance(found["bad"], ValueError)
    assert "while it unpickled published data" in found["bad"].__notes__[0]


def test_the_reader_gets_a_dict_of_its_own(running: Attempt) -> None:
    datapub.publish_data({"a": 1})
    output = Received()
    for message in taken(running):
        output.add(message)
    assert output.data is not None
    output.data.read().clear()
    assert output.data.read() == {"a": 1}
    assert output.stdout == output.stderr == ""
    assert output.displays == []


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xff", b'[["a", 1]]', b"\x91\x91\xc4\x01a"])
def test_a_content_of_another_form_is_nothing(content: bytes) -> None:
    output = Received()
    output.add(Display(*KEY, Displays.DATA, 0, content))
    assert output.data is not None
    assert output.data.read() == {}
