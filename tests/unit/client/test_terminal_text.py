"""Text is shown as a terminal would have it in the end, and can do nothing to the reader's terminal."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.showing.terminal_text import Lines, cleaned, coloured, is_plain


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain\n\ttext\n", "plain\n\ttext\n"),
        (" 10%\r 50%\r100%\ndone", "100%\ndone"),
        ("\r 10%|#   |\r100%|####|\r", "100%|####|"),
        ("long line\rshort", "shortline"),
        ("long line\r\x1b[Kshort", "short"),
        ("whole\x1b[2K\rnew", "new  "[:3] + "  "[:2]),
        ("dos\r\nlines\r\n", "dos\nlines\n"),
        ("typo\b\b\bip", "tipo"),
        ("\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m\n"),
        ("\x1b[31mred\n", "\x1b[31mred\x1b[0m\n"),
        ("\x1b[31mred", "\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b[2J\x1b[H\x1b[?25lgone", "gone"),
        ("\x1b(Bx\x1b7y\x1b8", "xy"),
        ("bell\x07 nul\x00 esc", "bell nul esc"),
        ("a\x01b\x7fc\x9bd", "a^Ab^?c\\x9bd"),
        ("outer 1\n\rinner 1\x1b[A\router 2\n\rinner 2\x1b[A", "outer 2\ninner 2"),
        ("é\r¡", "¡"),
        ("", ""),
        ("\n", "\n"),
    ],
)
def test_what_a_terminal_shows_in_the_end_is_shown(written: str, shown: str) -> None:
    assert cleaned(written).rstrip(" ") == shown.rstrip(" ")


def test_colours_go_where_nobody_can_see_them() -> None:
    assert cleaned("\x1b[1;31mred\x1b[0m and \x1b[38;5;2mgreen", colours=False) == "red and green"
    assert coloured("\x1b[1mx", colours=False) == "x"


TEXT = st.text(st.sampled_from("ab\n\r\b\t\x1b[]0;31mKA\x07\x00\x9bé\udcff"), max_size=60)


@given(TEXT)
def test_nothing_but_colours_reaches_the_terminal(text: str) -> None:
    shown = cleaned(text)
    assert is_plain(re.sub(r"\x1b\[[0-9;:]*m", "", shown))
    assert "\x1b" not in cleaned(text, colours=False)


@given(st.text(st.characters(exclude_categories=["Cc"]) | st.sampled_from("\n\t"), max_size=60))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert cleaned(text) == text


@given(TEXT, st.lists(st.integers(0, 60), max_size=6))
def test_it_does_not_matter_in_which_pieces_text_comes(text: str, cuts: list[int]) -> None:
    whole = Lines()
    whole.feed(text)
    places = [0, *sorted(cuts), len(text)]
    pieces, settled = Lines(), ""
    for start, end in itertools.pairwise(places):
        pieces.feed(text[start:end])
        settled += pieces.take()
    assert settled == "" or settled.endswith("\n")
    if "A" not in text:
        assert settled + pieces.take_all() == whole.take_all()


def test_a_line_is_settled_when_it_has_ended() -> None:
    lines = Lines()
    lines.feed("one\ntw")
    assert (lines.take(), lines.last, lines.waits) == ("one\n", "tw", True)
    lines.feed("o\r")
    assert (lines.take(), lines.last) == ("", "two")
    lines.feed("\nthree\n")
    assert (lines.take(), lines.last, lines.waits) == ("two\nthree\n", "", False)
