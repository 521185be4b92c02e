"""A displayed object fits a message, whatever it is; what is too large is named."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engineroom.engine.displays import encoded
from engineroom.protocol.ranges import MOST_DISPLAY


def read(*parts: dict[Any, Any]) -> dict[str, Any]:
    raw = encoded(*parts)
    assert len(raw) <= MOST_DISPLAY
    said: dict[str, Any] = json.loads(raw)
    return said


def test_it_is_what_jupyter_would_have() -> None:
    said = read(
        {"text/plain": "é\ud800", "application/json": {"a": [1]}}, {"text/plain": {"w": 1}}, {"display_id": "x"}
    )
    assert said == {
        "data": {"text/plain": "é\ud800", "application/json": {"a": [1]}},
        "metadata": {"text/plain": {"w": 1}},
        "transient": {"display_id": "x"},
    }


def test_its_forms_have_names_whatever_they_were() -> None:
    assert read({1: 2, ("a",): 3}, {}, {})["data"] == {"1": 2, "('a',)": 3}


def test_images_are_base64() -> None:
    assert read({"image/png": b"\x89PNG"}, {}, {})["data"] == {"image/png": base64.b64encode(b"\x89PNG").decode()}


def test_of_a_large_one_the_small_forms_and_the_plain_text_stay() -> None:
    data = {"text/plain": "<plot>", "text/html": "x" * 2_000_000, "image/svg+xml": "<svg/>"}
    said = read(data, {}, {"display_id": "x"})
    assert said["data"]["image/svg+xml"] == "<svg/>"
    assert said["data"]["text/plain"] == (
        "<plot>\n[text/html is not shown: it has 2,000,000 bytes, and the limit is 1,040,384. "
        "Set IPEngine.max_display_bytes to more than 4,000,000]"
    )
    assert said["transient"] == {"display_id": "x"}


@given(st.dictionaries(st.text(max_size=20) | st.just("text/plain"), st.integers(0, 2_000_000), max_size=4))
def test_it_always_fits(sizes: dict[str, int]) -> None:
    data = {name: "é" * size for name, size in sizes.items()}
    read(data, {"m": "x" * max(sizes.values(), default=0)}, {"display_id": "x"})


def test_of_what_is_far_too_large_nothing_is_made() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return 500_000_000

    said = read({"text/plain": "<image>", "image/png": Huge()}, {}, {})
    assert "[image/png is not shown: it has 500,000,000 bytes" in said["data"]["text/plain"]


def test_a_limit_of_ones_own_lets_larger_ones_through() -> None:
    raw = encoded({"text/html": "x" * 10_000_000}, {}, {}, most=16_000_000)
    assert json.loads(raw)["data"] == {"text/html": "x" * 10_000_000}
