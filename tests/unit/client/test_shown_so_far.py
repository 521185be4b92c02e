"""What a cell shows, by engine: one that clears its output takes away its own and nobody else's."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.showing.folding import Section
from engineroom.client.showing.live_folding import Item
from engineroom.client.showing.shown_so_far import ShownSoFar
from engineroom.client.state.watchers import Kind


def text(words: str, *engines: int) -> Section[Item]:
    return Section(engines, Item("stdout", words, None, 0.0))


def display(words: str, engine: int, kind: Kind = Kind.SHOW) -> Section[Item]:
    content = {"data": {"text/plain": words}, "metadata": {}, "transient": {"display_id": "one"}}
    return Section((engine,), Item(kind.value, content, ("key",), 0.0))


def left(standing: ShownSoFar) -> list[tuple[tuple[int, ...], Any]]:
    return [(engines, output.content) for engines, output in standing.take_away()]


def test_what_engines_share_stays_with_the_others() -> None:
    standing = ShownSoFar({0, 1, 2})
    for section in (text("all\n", 0, 1, 2), text("one\n", 1), text("two\n", 2)):
        standing.add(section)
    standing.clear([1])
    assert not standing.is_cleared([0, 2])
    assert standing.is_cleared([1, 2])
    assert left(standing) == [((0, 2), "all\n"), ((2,), "two\n")]
    assert not standing.is_cleared([1])


def test_an_update_is_what_is_shown_again() -> None:
    standing = ShownSoFar({0, 1})
    standing.add(display("old", 0))
    standing.add(display("new", 0, Kind.UPDATE))
    standing.clear([1])
    [(_, content)] = left(standing)
    assert content["data"] == {"text/plain": "new"}


def test_too_much_is_not_taken_away_until_all_engines_clear() -> None:
    standing = ShownSoFar({0, 1}, limit=1000)
    for _ in range(100):
        standing.add(text("x" * 100, 0))
    standing.clear([0])
    assert not standing.is_cleared([0])
    standing.clear([1])
    assert standing.is_cleared([0])
    assert left(standing) == []
    standing.add(text("new\n", 0))
    standing.clear([1])
    assert left(standing) == [((0,), "new\n")]


@given(st.lists(st.tuples(st.sampled_from(["show", "clear"]), st.sets(st.integers(0, 3), min_size=1))))
def test_each_engine_has_what_it_showed_since_it_cleared(steps: list[tuple[str, set[int]]]) -> None:
    standing, wanted = ShownSoFar({0, 1, 2, 3}), {engine: list[str]() for engine in range(4)}
    shown: dict[int, list[str]] = {engine: [] for engine in range(4)}
    for number, (step, engines) in enumerate(steps):
        if step == "clear":
            standing.clear(engines)
            for engine in engines:
                wanted[engine] = []
            continue
        if standing.is_cleared(engines):
            standing.take_away()
        standing.add(text(str(number), *sorted(engines)))
        for engine in engines:
            wanted[engine].append(str(number))
    for sections, output in standing.take_away():
        for engine in sections:
            shown[engine].append(str(output.content))
    assert shown == wanted
