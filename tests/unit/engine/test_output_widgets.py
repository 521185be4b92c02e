"""What is printed and displayed in the context of an Output widget goes into the widget."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from engineroom.engine.output_widgets import MOST, capture_outputs
from engineroom.protocol.messages import Displays


class Publisher:
    """Displays go to `show`."""

    def __init__(self) -> None:
        self.elsewhere: list[Any] = []
        self.show: Any = lambda *shown: self.elsewhere.append(shown)

    def display(self, text: str, kind: Displays = Displays.SHOW, **transient: str) -> None:
        content = {"data": {"text/plain": text}, "metadata": {}, "transient": transient}
        self.show(kind, json.dumps(content).encode(), text)

    def clear(self, *, wait: bool) -> None:
        self.show(Displays.CLEAR, json.dumps({"wait": wait}).encode(), "")


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


@pytest.fixture
def widget(publisher: Publisher) -> Any:
    class Output:
        outputs: tuple[dict[str, Any], ...] = ()

        def __enter__(self) -> None:
            pass

        def __exit__(self, *error: object) -> None:
            if error[0] is not None:
                print("failed")

    capture_outputs(SimpleNamespace(Output=Output, get_ipython=lambda: SimpleNamespace(display_pub=publisher)))
    return Output()


@contextmanager
def into(widget: Any) -> Iterator[None]:
    streams = sys.stdout, sys.stderr
    with widget:
        yield
    assert (sys.stdout, sys.stderr) == streams


def texts(widget: Any) -> list[str]:
    return [each.get("text") or each["data"]["text/plain"] for each in widget.outputs]


def test_text_and_displays_are_there_in_order(widget: Any, publisher: Publisher) -> None:
    with into(widget):
        print("one")
        print("two")
        publisher.display("shown")
        print("three", file=sys.stderr)
    assert texts(widget) == ["one\ntwo\n", "shown", "three\n"]
    assert [each.get("name") for each in widget.outputs] == ["stdout", None, "stderr"]
    assert publisher.elsewhere == []
    publisher.display("after")
    assert len(publisher.elsewhere) == 1


def test_it_goes_on_where_it_was(widget: Any) -> None:
    for text in ("a", "b"):
        with into(widget):
            print(text, end="")
    assert texts(widget) == ["ab"]


def test_clear_output_takes_away_what_is_there(widget: Any, publisher: Publisher) -> None:
    with into(widget):
        print("old")
        publisher.clear(wait=False)
    assert widget.outputs == ()
    with into(widget):
        print("old")
        publisher.clear(wait=True)
        assert texts(widget) == ["old\n"]
        print("new")
    assert texts(widget) == ["new\n"]


def test_a_display_is_updated_in_its_place(widget: Any, publisher: Publisher) -> None:
    with into(widget):
        publisher.display("1", display_id="a")
        publisher.display("other", display_id="b")
        publisher.display("2", Displays.UPDATE, display_id="a")
    assert texts(widget) == ["2", "other"]


def test_an_error_is_shown_in_it(widget: Any) -> None:
    with pytest.raises(ValueError, match="mine"), into(widget):
        raise ValueError("mine")
    assert texts(widget) == ["failed\n"]


def test_widgets_within_each_other(widget: Any) -> None:
    other = type(widget)()
    with into(widget):
        print("outer", end="")
        with into(other):
            print("inner", end="")
        print("again", end="")
    assert (texts(widget), texts(other)) == (["outeragain"], ["inner"])


def test_what_it_holds_is_bounded(widget: Any, publisher: Publisher) -> None:
    with into(widget):
        publisher.display("first")
        print("x" * MOST)
        print("last")
    assert sum(map(len, texts(widget))) <= MOST + 100
    assert texts(widget)[0].startswith("[... output was cut here ...]\n")
    assert texts(widget)[-1].endswith("last\n")
