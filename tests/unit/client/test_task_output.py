"""What a task displays is with its text, in order; updates are in place, and what is cleared is gone."""

from __future__ import annotations

import json

import pytest

from engineroom.client.state.output import LIMIT, TaskOutput
from engineroom.protocol.messages import Display, Displays, Output
from tests.unit.core.pretend import task

TASK = task(1)


class Writer:
    """An attempt that numbers what it says."""

    def __init__(self, attempt: int = 1) -> None:
        self.attempt, self.seq, self.output = attempt, -1, TaskOutput()

    def text(self, text: str, stream: int = 1) -> None:
        self.seq += 1
        self.say(Output(TASK, self.attempt, stream, self.seq, text))

    def display(self, kind: Displays, content: object) -> None:
        self.seq += 1
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.say(Display(TASK, self.attempt, kind, self.seq, raw))

    def show(self, text: str, name: str | None = None, kind: Displays = Displays.SHOW) -> None:
        transient = {} if name is None else {"display_id": name}
        self.display(kind, {"data": {"text/plain": text}, "metadata": {}, "transient": transient})

    def say(self, message: Output | Display) -> None:
        self.output.add(message)
        self.output.add(message)  # counts once

    @property
    def shown(self) -> list[str]:
        return [each["data"]["text/plain"] for each in self.output.displays]


@pytest.fixture
def one() -> Writer:
    return Writer()


def test_text_and_displays_are_counted_together(one: Writer) -> None:
    one.text("a")
    one.show("first")
    one.text("b", 2)
    one.show("second")
    one.text("c")
    assert (one.output.stdout, one.output.stderr, one.shown) == ("ac", "b", ["first", "second"])
    plain = {"data": {"text/plain": "first"}, "metadata": {}, "transient": {}}
    assert one.output.displays[0] == {"output_type": "display_data"} | plain


def test_an_update_replaces_each_display_of_its_id_in_place(one: Writer) -> None:
    for text, name in (("1", "x"), ("2", None), ("3", "x"), ("4", "y")):
        one.show(text, name)
    one.show("new", "x", Displays.UPDATE)
    one.show("nowhere", "z", Displays.UPDATE)
    one.show("nothing", None, Displays.UPDATE)
    assert one.shown == ["new", "2", "new", "4"]


@pytest.mark.parametrize("next_one", ["text", "display"])
def test_what_is_cleared_with_wait_stays_until_something_comes(one: Writer, next_one: str) -> None:
    one.text("printed")
    one.show("old")
    one.display(Displays.CLEAR, {"wait": True})
    assert one.shown == ["old"]
    if next_one == "text":
        one.text(" more")
        assert one.shown == []
        assert one.output.stdout == "printed more"
    else:
        one.show("new")
        assert one.shown == ["new"]


def test_what_is_cleared_is_gone_at_once_and_text_stays(one: Writer) -> None:
    for _ in range(3):
        one.text("line\n")
        one.show("old")
        one.display(Displays.CLEAR, {"wait": False})
    assert one.shown == []
    one.show("new")
    assert one.shown == ["new"]
    assert one.output.stdout == "line\n" * 3


def test_clearing_makes_room(one: Writer) -> None:
    piece = "x" * (2**20 - 2**14)
    for _ in range(2 * LIMIT // len(piece)):
        one.show(piece)
        one.display(Displays.CLEAR, {"wait": False})
    one.show("last")
    assert one.shown == ["last"]


def test_displays_are_bounded_and_that_is_said_once(one: Writer) -> None:
    one.output = TaskOutput(displays_limit=2**20)
    for _ in range(20):
        one.show("x" * 100_000)
    *shown, words = one.shown
    assert sum(map(len, shown)) <= 2**20
    assert (set(map(len, shown)), words) == ({100_000}, "[further displays were omitted]")


def test_another_attempt_starts_afresh(one: Writer) -> None:
    one.show("lost")
    one.attempt, one.seq = 2, -1
    one.show("kept")
    assert one.shown == ["kept"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"data": 3, "transient": []}'])
def test_a_content_of_another_form_is_shown_as_nothing(one: Writer, content: bytes) -> None:
    one.display(Displays.SHOW, content)
    one.display(Displays.UPDATE, content)
    assert one.output.displays == [{"output_type": "display_data", "data": {}, "metadata": {}, "transient": {}}]


@pytest.mark.parametrize("content", [b"", b'{"traceback": 3}', b'{"execution_count": "x", "data": []}'])
def test_a_value_and_an_error_of_another_form_are_empty(one: Writer, content: bytes) -> None:
    one.display(Displays.RESULT, content)
    one.display(Displays.ERROR, content)
    value, error = one.output.displays
    assert value == {
        "output_type": "execute_result",
        "data": {},
        "metadata": {},
        "transient": {},
        "execution_count": 0,
    }
    assert error == {"output_type": "error", "ename": "", "evalue": "", "traceback": []}


def test_values_and_errors_are_with_the_displays_and_comms_are_not(one: Writer) -> None:
    one.show("first", "x")
    one.display(Displays.COMM_OPEN, {"comm_id": "c", "target_name": "t", "data": {}})
    one.display(Displays.RESULT, {"data": {"text/plain": "2"}, "metadata": {}, "execution_count": 4})
    one.text("between")
    one.display(Displays.COMM_MSG, {"comm_id": "c", "data": {}})
    one.display(Displays.ERROR, {"ename": "E", "evalue": "no", "traceback": ["E: no"]})
    one.show("new", "x", Displays.UPDATE)

    first, value, error = one.output.displays
    assert first["data"] == {"text/plain": "new"}
    assert (value["data"], value["execution_count"]) == ({"text/plain": "2"}, 4)
    assert error == {"output_type": "error", "ename": "E", "evalue": "no", "traceback": ["E: no"]}
    assert one.output.stdout == "between"


def test_what_is_cleared_takes_values_and_errors_along(one: Writer) -> None:
    one.display(Displays.RESULT, {"data": {"text/plain": "2"}, "metadata": {}, "execution_count": 4})
    one.display(Displays.CLEAR, {"wait": False})
    one.display(Displays.ERROR, {"ename": "E", "evalue": "no", "traceback": ["E: no"]})
    assert [each["output_type"] for each in one.output.displays] == ["error"]


def parts(one: Writer, text: str, size: int = 20) -> list[Display]:
    """Return the messages of a large display, numbered as the next ones."""
    raw = json.dumps({"data": {"text/plain": text}, "metadata": {}, "transient": {}}).encode()
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    return [
        Display(TASK, one.attempt, Displays.SHOW, one.seq + 1 + part, piece, part, part < len(pieces) - 1)
        for part, piece in enumerate(pieces)
    ]


def test_a_large_display_comes_in_parts_and_is_one(one: Writer) -> None:
    one.show("before")
    for piece in parts(one, "large " * 30):
        assert one.shown == ["before"]
        one.say(piece)
    assert one.shown == ["before", "large " * 30]


@pytest.mark.parametrize("lost", [[0], [1], [8], [0, 1, 2], [3, 4]])
def test_a_large_display_of_which_a_part_is_lost_is_named_once(one: Writer, lost: list[int]) -> None:
    pieces = parts(one, "large " * 20)
    for number, piece in enumerate(pieces):
        if number % 9 not in lost or number > 8:
            one.say(piece)
    one.seq = pieces[-1].seq + 1
    one.say(Display(TASK, 1, Displays.SHOW, one.seq, b'{"data": {"text/plain": "after"}}'))
    [words, after] = one.shown
    assert words.startswith("[a large display is missing here")
    assert after == "after"


def test_a_new_attempt_forgets_the_parts_of_the_one_before(one: Writer) -> None:
    first, *_ = parts(one, "large " * 20)
    one.say(first)
    one.attempt, one.seq = 2, -1
    one.show("again")
    assert one.shown == ["again"]
