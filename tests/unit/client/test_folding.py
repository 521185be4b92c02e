"""Outputs that are alike are shown once, and whose they are can be read back from the label."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.showing.folding import Section, folded, spelled


@pytest.mark.parametrize(
    ("engines", "among", "text"),
    [
        ([3], [], "3"),
        ([0, 1, 2, 3], range(4), "0-3"),
        ([n for n in range(16) if n != 7], range(16), "0-15 except 7"),
        ([7], range(16), "7"),
        ([0, 2], range(3), "0, 2"),
        ([0, 1, 3], range(4), "0-3 except 2"),
        ([0, 2, 4], [0, 2, 4], "0-4"),
        ([0, 1, 1, 0, 1], range(4), "0-1, 5 times"),
        ([-1], [], "?"),
        ([-1, 2], [2], "2, ?"),
        ([], [], "?"),
    ],
)
def test_engines_are_spelled_in_few_characters(engines: list[int], among: list[int], text: str) -> None:
    assert spelled(engines, among) == text


def _read(text: str) -> set[int]:
    """Return the engines that a label means, as its reader would."""
    found, _, gone = text.partition(" except ")
    return _numbers(found) - (_numbers(gone) if gone else set())


def _numbers(text: str) -> set[int]:
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", text):
        found |= set(range(int(first), int(last or first) + 1))
    return found


SOME = st.sets(st.integers(0, 40), min_size=1, max_size=12)


@given(SOME, SOME)
def test_a_label_means_its_engines_and_no_others(engines: set[int], others: set[int]) -> None:
    text = spelled(sorted(engines), sorted(engines | others))
    if "more" not in text:
        assert _read(text) & (engines | others) == engines


OUTPUTS = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["a", "b", "c\n", "d"])), max_size=30)


@given(OUTPUTS)
def test_folding_loses_nothing_and_shows_each_output_once(outputs: list[tuple[int, str]]) -> None:
    sections = folded((engine, text, text) for engine, text in outputs)
    assert [section.output for section in sections] == list(dict.fromkeys(text for _, text in outputs))
    for engines, output in sections:
        assert list(engines) == [engine for engine, text in outputs if text == output]


@given(OUTPUTS)
def test_without_folding_each_output_stands_alone(outputs: list[tuple[int, str]]) -> None:
    sections = folded(((engine, text, text) for engine, text in outputs), fold=False)
    assert sections == [Section((engine,), text) for engine, text in outputs]
