"""What widgets say is passed on in order and whole, by whichever thread comes first; forgotten if nobody listens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from engineroom.client.state.comms import CommMessage, Comms
from engineroom.client.waiting.waits import CallbackThread
from engineroom.ids import TaskId
from engineroom.protocol.messages import Display, Displays
from tests.patience import SECONDS

TASK: Any = SimpleNamespace(engine=3, instance=b"i" * 16)
ID = TaskId(b"t" * 24)


@pytest.fixture
def callbacks() -> Iterator[CallbackThread]:
    thread = CallbackThread("callbacks of a test")
    yield thread
    thread.stop()


@pytest.fixture
def comms(callbacks: CallbackThread) -> Comms:
    return Comms(callbacks)


def message(number: int, content: object = None) -> Display:
    raw = json.dumps({"comm_id": "c", "data": number} if content is None else content).encode()
    return Display(ID, 1, Displays.COMM_MSG, number, raw)


def listen(comms: Comms) -> list[CommMessage]:
    heard: list[CommMessage] = []
    comms.listener = heard.append
    return heard


def test_what_nobody_listens_to_is_not_kept(comms: Comms) -> None:
    for number in range(100):
        comms.heard(message(number), TASK, "m")
    heard = listen(comms)
    comms.pass_on()
    assert heard == []


def test_all_of_it_comes_in_order_before_what_is_shown_next(comms: Comms) -> None:
    heard = listen(comms)
    for number in range(200):
        comms.heard(message(number), TASK, "m")
    comms.shown({"data": {}, "metadata": {}, "transient": {}}, b"i")
    assert [each.content["data"] for each in heard] == list(range(200))
    assert {(each.engine, each.msg_id, each.msg_type) for each in heard} == {(3, "m", "comm_msg")}


def test_who_comes_second_waits_for_who_has_begun(comms: Comms) -> None:
    began, go_on, done = threading.Event(), threading.Event(), []

    def slow(heard: CommMessage) -> None:
        began.set()
        go_on.wait(SECONDS)
        done.append(heard)

    comms.listener = slow
    comms.heard(message(1), TASK, "m")
    assert began.wait(SECONDS)
    second = threading.Thread(target=comms.pass_on)
    second.start()
    second.join(0.05)
    assert second.is_alive()
    go_on.set()
    second.join(SECONDS)
    assert len(done) == 1


def test_a_listener_that_fails_hears_the_next_one(comms: Comms, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[CommMessage] = []

    def fails(each: CommMessage) -> None:
        heard.append(each)
        raise RuntimeError("mine")

    comms.listener = fails
    comms.heard(message(1), TASK, "m")
    comms.heard(message(2), TASK, "m")
    comms.pass_on()
    assert len(heard) == 2
    assert caplog.text.count("RuntimeError: mine") == 2


@pytest.mark.parametrize(
    "content", [[], 1, "text", {"buffers": 1, "metadata": []}, {"buffers": ["not base64!", None, 3]}]
)
def test_a_message_that_is_not_as_it_should_be_breaks_nothing(comms: Comms, content: object) -> None:
    heard = listen(comms)
    comms.heard(message(1, content), TASK, "m")
    comms.pass_on()
    [found] = heard
    assert found.metadata == {}
    assert all(isinstance(part, bytes) for part in found.buffers)


def parts(*numbers: int, of: int) -> list[Display]:
    raw = json.dumps({"comm_id": "c", "data": "x" * 100}).encode()
    size = -(-len(raw) // of)
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    return [Display(ID, 1, Displays.COMM_MSG, number, pieces[number], number, number < of - 1) for number in numbers]


def test_a_long_message_is_joined(comms: Comms) -> None:
    heard = listen(comms)
    for part in parts(0, 1, 2, of=3):
        comms.heard(part, TASK, "m")
    comms.pass_on()
    assert [each.content["data"] for each in heard] == ["x" * 100]


@pytest.mark.parametrize("there", [(1, 2), (0, 2), (0, 1), (2,)])
def test_a_message_of_which_a_part_is_missing_is_dropped(comms: Comms, there: tuple[int, ...]) -> None:
    heard = listen(comms)
    for part in [*parts(*there, of=3), *parts(0, 1, of=2)]:
        comms.heard(part, TASK, "m")
    comms.pass_on()
    assert [each.content["data"] for each in heard] == ["x" * 100]


def test_leaving_is_said_once_and_nothing_is_heard_afterwards(comms: Comms, caplog: pytest.LogCaptureFixture) -> None:
    heard, left = listen(comms), []
    comms.on_leave = lambda: left.append(1) or 1 / 0
    comms.leave()
    comms.leave()
    comms.heard(message(1), TASK, "m")
    comms.pass_on()
    assert (heard, left) == ([], [1])
    assert "widgets could not be closed" in caplog.text
