"""Texts for people fit their messages, whatever is in them."""

from __future__ import annotations

import re

import hypothesis.strategies as st
from hypothesis import given

from engineroom.protocol.texts import MOST_WORDS, brief

any_text = st.text(st.characters(), max_size=300) | st.sampled_from(["x", "é", "日", "𝄞", "\ud800"]).map(
    lambda one: one * 5000
)


@given(any_text, st.integers(60, 500))
def test_it_can_be_encoded_and_is_no_longer_than_it_may_be(text: str, most: int) -> None:
    assert len(brief(text, most).encode()) <= most


@given(any_text)
def test_what_is_short_enough_stays_as_it_is(text: str) -> None:
    printable = text.encode("utf-8", "backslashreplace").decode()

    assert (brief(text) == printable) == (len(printable.encode()) <= MOST_WORDS)


def test_the_middle_is_cut_and_words_say_so() -> None:
    text = "begin" + "x" * 100_000 + "end"

    cut = brief(text)

    assert cut.startswith("beginx")
    assert cut.endswith("xend")
    assert re.search(r"x \[\.\.\. 959\d\d bytes were cut here \.\.\.\] x", cut)
