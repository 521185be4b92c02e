"""Maps take whatever the builtin `map` takes, and pass what it passes."""

from __future__ import annotations

import array
import io
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.sequences.columns import columns_of
from tests.unit.client.test_partitions import ByNumber, Recording, Track

numbers = st.lists(st.integers(-5, 5), max_size=12)


class Reversed(list[int]):
    """A list that iterates otherwise than it slices."""

    def __iter__(self) -> Iterator[int]:
        return iter(self[::-1])


MAKERS: dict[str, Callable[[list[int]], Any]] = {
    "list": list,
    "tuple": tuple,
    "range": lambda some: range(len(some)),
    "generator": lambda some: (number for number in some),
    "iterator": iter,
    "deque": deque,
    "set": set,
    "dict": dict.fromkeys,
    "dict items": lambda some: dict.fromkeys(some, "x").items(),
    "dict values": lambda some: dict(enumerate(some)).values(),
    "Counter": Counter,
    "text": lambda some: "".join(map(str, some)),
    "bytes": lambda some: bytes(number + 5 for number in some),
    "bytearray": lambda some: bytearray(number + 5 for number in some),
    "memoryview": lambda some: memoryview(bytes(number + 5 for number in some)),
    "array": lambda some: array.array("l", some),
    "numpy": np.array,
    "numpy rows": lambda some: np.array([some, some]),
    "masked": lambda some: np.ma.array(some, mask=[number < 0 for number in some]).filled(9),
    "structured": lambda some: np.array([(number, 0.5) for number in some], dtype="i8,f8").tolist(),
    "file": lambda some: io.StringIO("\n".join(map(str, some))),
    "by number": lambda some: ByNumber(len(some)),
    "own sequence": Track,
    "lazy reader": Recording,
    "reversed list": Reversed,
    "repeat": itertools.repeat,
    "count": lambda some: itertools.count(len(some)),
    "cycle": lambda some: itertools.cycle(some or [0]),
    "zip": lambda some: zip(some, some, strict=True),
    "enumerate": enumerate,
    "callable": lambda some: iter(iter(some).__next__, 5),
}
ENDLESS = {"repeat", "count", "cycle"}


def plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


@given(st.lists(st.tuples(st.sampled_from(sorted(MAKERS)), numbers), min_size=1, max_size=4))
def test_columns_hold_what_the_builtin_map_passes(kinds: list[tuple[str, list[int]]]) -> None:
    if all(kind in ENDLESS for kind, _ in kinds):
        kinds.append(("list", [1, 2, 3]))
    expected = list(map(lambda *some: tuple(map(plain, some)), *(MAKERS[kind](some) for kind, some in kinds)))
    columns = columns_of([MAKERS[kind](some) for kind, some in kinds])
    assert {len(column) for column in columns} == {len(expected)}
    for half in (slice(0, len(expected) // 2), slice(len(expected) // 2, None)):
        rows = zip(*(column[half] for column in columns), strict=True)
        assert [tuple(map(plain, row)) for row in rows] == expected[half]


@given(st.lists(st.integers(0, 6) | st.none(), min_size=1, max_size=4))
def test_iterators_are_read_as_far_as_the_builtin_map_reads_them(lengths: list[int | None]) -> None:
    # None stands for an iterator with more items than any list has.
    if all(length is None for length in lengths):
        lengths.append(3)
    read = []
    for run in (lambda *some: list(map(lambda *_: None, *some)), lambda *some: columns_of(some)):
        sequences = [iter(range(20)) if length is None else [0] * length for length in lengths]
        run(*sequences)
        read.append([next(one) for one in sequences if not isinstance(one, list)])
    assert read[0] == read[1]


def test_one_iterator_given_twice_yields_pairs() -> None:
    items = iter(range(7))
    assert columns_of([items, items]) == [[0, 2, 4], [1, 3, 5]]


@pytest.mark.parametrize("sequences", [[], [3], [[1], None], [np.array(3)]])
def test_what_the_builtin_map_refuses_is_refused(sequences: list[Any]) -> None:
    with pytest.raises(TypeError):
        list(map(abs, *sequences))
    with pytest.raises(TypeError):
        columns_of(sequences)


def test_what_an_iterable_raises_is_raised() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("the file is gone")

    with pytest.raises(OSError, match="gone"):
        columns_of([broken(), [1, 2, 3]])


def test_nothing_but_the_length_of_what_can_be_cut_is_read() -> None:
    # A range of this length could not be read.
    columns = columns_of([range(10**12), iter([1, 2])])
    assert columns == [range(2), [1, 2]]
