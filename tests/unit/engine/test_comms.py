"""Comms of the library `comm` speak through the engine, once a task has imported it, and hear what clients say."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engineroom.engine.comms import Comms
from engineroom.engine.displays import encoded_comm, encoded_error
from engineroom.protocol.messages import Displays
from engineroom.protocol.ranges import MOST_DISPLAY
from tests.stand_ins import comm


class Heard:
    """Comms of an engine, with the library in it, and what they send."""

    def __init__(self, **how: int) -> None:
        self.sent: list[tuple[Displays, dict[str, Any]]] = []
        self.comms = Comms(lambda kind, content, _: self.sent.append((kind, json.loads(content))), **how)
        self.library = _library()
        self.comms.watched()["comm"](self.library)

    def hear(self, msg_type: str, **content: Any) -> None:
        self.comms.hear({"msg_type": msg_type, "content": content, "metadata": {}, "buffers": []})


def _library() -> Any:
    """Return a module of its own, as another engine would have it."""
    library = ModuleType("comm")
    exec(Path(comm.__file__).read_text(), vars(library))
    return library


@pytest.fixture
def engine() -> Heard:
    return Heard()


def test_what_a_comm_says_goes_out_in_order(engine: Heard) -> None:
    one = engine.library.create_comm(target_name="bar", data={"max": 3})
    one.send({"value": 1}, metadata={"m": 1}, buffers=[b"\x00\xff", memoryview(b"a")])
    one.close()

    id_ = {"comm_id": one.comm_id}
    plain = {"metadata": {}, "buffers": []}
    assert engine.sent == [
        (Displays.COMM_OPEN, id_ | {"data": {"max": 3}, "target_name": "bar", "target_module": None} | plain),
        (Displays.COMM_MSG, id_ | {"data": {"value": 1}, "metadata": {"m": 1}, "buffers": ["AP8=", "YQ=="]}),
        (Displays.COMM_CLOSE, id_ | {"data": {}} | plain),
    ]


def test_what_a_client_says_reaches_whoever_listens(engine: Heard) -> None:
    one = engine.library.create_comm()
    heard: list[dict[str, Any]] = []
    one.on_msg(heard.append)
    one.on_close(heard.append)

    engine.hear("comm_msg", comm_id=one.comm_id, data=7)
    engine.hear("comm_close", comm_id=one.comm_id, data={})
    engine.hear("comm_close", comm_id=one.comm_id, data={})

    assert [message["msg_type"] for message in heard] == ["comm_msg", "comm_close"]
    with pytest.raises(ValueError, match="this engine has no comm"):
        engine.hear("comm_msg", comm_id=one.comm_id, data=8)
    one.close()
    assert len(engine.sent) == 1, "the other side knows that it is closed"


def test_a_client_that_leaves_closes_all_its_comms_at_once(engine: Heard) -> None:
    three = [engine.library.create_comm() for _ in range(3)]
    closed: list[dict[str, Any]] = []
    for one in three:
        one.on_close(closed.append)
    engine.hear("comm_close", comm_ids=[one.comm_id for one in three[:2]] + ["unknown"], data={})
    assert [message["content"] for message in closed] == [{"comm_id": one.comm_id, "data": {}} for one in three[:2]]
    assert list(engine.library.get_comm_manager().comms) == [three[2].comm_id]


def test_comms_that_nobody_closes_are_bounded() -> None:
    engine = Heard(most=5)
    many = [engine.library.create_comm() for _ in range(20)]
    kept = list(engine.library.get_comm_manager().comms)
    assert kept == [one.comm_id for one in many[-5:]]
    many[0].send({"nobody": "hears"})


def test_what_a_listener_raises_is_the_tasks_own(engine: Heard) -> None:
    one = engine.library.create_comm()
    one.on_msg(lambda message: message["content"]["data"]["missing"])
    with pytest.raises(KeyError, match="missing"):
        engine.hear("comm_msg", comm_id=one.comm_id, data={})


def test_a_client_can_open_a_comm_to_a_target(engine: Heard) -> None:
    opened: list[Any] = []
    engine.library.get_comm_manager().register_target("form", lambda *told: opened.append(told))

    engine.hear("comm_open", comm_id="mine", target_name="form", data={"a": 1})
    with pytest.raises(ValueError, match="no target 'other'"):
        engine.hear("comm_open", comm_id="other", target_name="other", data={})

    [(one, message)] = opened
    assert (one.comm_id, message["content"]["data"]) == ("mine", {"a": 1})
    assert engine.sent == []


def test_an_engine_without_the_library_says_so() -> None:
    comms = Comms(lambda *_: None)
    with pytest.raises(ValueError, match="no comm 'x'"):
        comms.hear({"msg_type": "comm_msg", "content": {"comm_id": "x"}})
    comms.hear({"msg_type": "comm_close", "content": {"comm_id": "x"}})


def test_a_message_that_is_too_long_is_an_error_of_whoever_sends_it(engine: Heard) -> None:
    one = engine.library.create_comm()
    with pytest.raises(ValueError, match=r"has \d+ bytes as JSON; the limit is 33554432 bytes"):
        one.send(buffers=[b"x" * 30_000_000])
    one.send({"text": "short"})
    assert len(engine.sent) == 2


def test_an_error_always_fits() -> None:
    raw = encoded_error("E" * 5000, "\U0001f600" * 100_000, "line\n" * 10 + "\U0001f600" * 1_000_000)
    assert len(raw) <= MOST_DISPLAY
    said = json.loads(raw)
    assert said["traceback"][0] == "line"
    assert any("characters left out" in line for line in said["traceback"])


def test_what_json_has_no_form_for_travels_as_its_words() -> None:
    assert json.loads(encoded_comm({"data": {"value": 1j}}, {}, []))["data"] == {"value": "1j"}
