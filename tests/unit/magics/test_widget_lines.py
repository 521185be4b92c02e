"""What is said to the widgets of an engine goes one by one, and what waits becomes less and not more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engineroom.magics.widget_lines import MOST_WAITING, Line, Said


class Call:
    """A call to an engine, which ends when it is told to."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[Any], object]] = []

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        self.callbacks.append(callback)

    def end(self) -> None:
        for callback in self.callbacks:
            callback(self)


class Engine:
    """Hears one message at a time."""

    def __init__(self) -> None:
        self.sent: list[Said] = []
        self.calls: list[Call] = []
        self.ended: list[Any] = []
        self.gone = False
        self.line = Line(self.send, lambda said, result: self.ended.append((said, result)))  # type: ignore[arg-type]

    def send(self, said: Said) -> Any:
        if self.gone:
            raise ValueError("no such engine")
        self.sent.append(said)
        self.calls.append(Call())
        return self.calls[-1]


def update(to: object = "slider", **state: Any) -> Said:
    return Said(to, str(to), "comm_msg", {"method": "update", "state": state, "buffer_paths": []})


def click(to: object = "button") -> Said:
    return Said(to, str(to), "comm_msg", {"method": "custom", "content": {"event": "click"}})


def test_updates_that_wait_become_one() -> None:
    engine = Engine()
    for value in range(5):
        engine.line.put(update(value=value))
    engine.line.put(update(other=1))
    engine.calls[0].end()
    engine.calls[1].end()
    assert [said.data["state"] for said in engine.sent] == [{"value": 0}, {"value": 4, "other": 1}]
    assert [said for said, _ in engine.ended] == engine.sent


def test_what_waits_keeps_its_order() -> None:
    engine = Engine()
    said = [update(value=1), click(), update(value=2), click(), click(), update("text", value=3), update(value=4)]
    for each in said:
        engine.line.put(each)
    for number in range(len(said)):
        engine.calls[number].end()
    assert engine.sent == said


def test_buffers_are_never_merged() -> None:
    first = Said("slider", "slider", "comm_msg", {"method": "update", "state": {}}, buffers=(b"a",))
    assert update(value=1).then(first) is None
    assert first.then(update(value=1)) is None


def test_too_many_that_wait_are_dropped() -> None:
    engine = Engine()
    took = [engine.line.put(click()) for _ in range(MOST_WAITING + 3)]
    assert took == [True] * (MOST_WAITING + 1) + [False] * 2


def test_an_engine_that_has_left_ends_what_waits() -> None:
    engine = Engine()
    for _ in range(3):
        engine.line.put(click())
    engine.gone = True
    engine.calls[0].end()
    assert [result for _, result in engine.ended] == [engine.calls[0], None, None]
    engine.gone = False
    engine.line.put(click())
    assert len(engine.sent) == 2


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers())), st.integers(0, 5))
def test_whatever_is_merged_the_last_state_is_that_of_all(values: list[tuple[str, str, int]], ended: int) -> None:
    engine, wanted = Engine(), {}
    for number, (to, name, value) in enumerate(values):
        engine.line.put(update(to, **{name: value}))
        wanted[to, name] = value
        if number % (ended + 1) == 0 and len(engine.ended) < len(engine.calls):
            engine.calls[-1].end()
    while len(engine.ended) < len(engine.calls):
        engine.calls[len(engine.ended)].end()
    seen = {}
    for said in engine.sent:
        for name, value in said.data["state"].items():
            seen[said.comm_id, name] = value
    assert seen == wanted
