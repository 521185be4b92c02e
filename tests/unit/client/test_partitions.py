"""Spreading rows over engines, and joining them again: what comes out is what went in."""

from __future__ import annotations

import array
import collections
import pickle
from collections import Counter, OrderedDict, UserList, defaultdict, deque
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.sequences.partitions import DISTRIBUTIONS, in_turn, pack_part, with_rows
from engineroom.client.sequences.rows.arrays import ArrayRows
from engineroom.machine.large_blocks import BLOCKS
from engineroom.serialize.payloads import unpack

places = st.integers(1, 7)
dists = st.sampled_from("br")


def parts_of(whole: Any, dist: str, count: int, *, flatten: bool = False) -> list[Any]:
    """Return the parts of `whole` as they come back from `count` engines."""
    value, rows = with_rows(whole)
    bodies: list[Any] = [
        pack_part("x", rows.cut(value, cut), rows, flatten=flatten, copy=True)
        for cut in DISTRIBUTIONS[dist].cuts(rows.count(value), count)
    ]
    return [unpack(body if isinstance(body, bytes) else bytearray(b"".join(body)))["x"] for body in bodies]


def there_and_back(whole: Any, dist: str, count: int) -> Any:
    return DISTRIBUTIONS[dist].join(parts_of(whole, dist, count))


class Pair(NamedTuple):
    x: int
    y: int


class Tagged(np.ndarray):
    """An array with a tag, which travels."""

    tag: Any = None

    def __array_finalize__(self, source: Any) -> None:
        self.tag = getattr(source, "tag", None)

    def __reduce__(self) -> Any:
        make, args, state = super().__reduce__()  # type: ignore[misc]
        return make, args, (state, self.tag)

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state[0])
        self.tag = state[1]


class Track(Sequence[int]):
    """A sequence of the user's own; its slices are of its kind."""

    def __init__(self, items: Any) -> None:
        self.items = list(items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, key: Any) -> Any:
        return Track(self.items[key]) if isinstance(key, slice) else self.items[key]

    def __eq__(self, other: object) -> bool:
        return type(other) is Track and self.items == other.items

    def __hash__(self) -> int:
        return 0


class ByNumber:
    """Has items by number, and nothing else."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __getitem__(self, number: int) -> int:
        if not isinstance(number, int):
            raise TypeError("integers only")
        if not 0 <= number < self.count:
            raise IndexError(number)
        return number * 10


class OrderedSet(AbstractSet[Any]):
    """A set of the user's own, which keeps its order."""

    def __init__(self, some: Any) -> None:
        self.items = dict.fromkeys(some)

    def __contains__(self, item: object) -> bool:
        return item in self.items

    def __iter__(self) -> Any:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


items = st.integers() | st.text(max_size=3) | st.none() | st.tuples(st.integers())
hashable = st.integers() | st.text(max_size=3)
containers = st.one_of(
    st.lists(items),
    st.lists(items).map(tuple),
    st.lists(items).map(deque),
    st.lists(items).map(lambda some: deque(some, maxlen=50)),
    st.lists(items).map(UserList),
    st.lists(st.integers()).map(Track),
    st.dictionaries(hashable, items),
    st.dictionaries(hashable, items).map(OrderedDict),
    st.dictionaries(hashable, items).map(lambda some: defaultdict(list, some)),
    st.lists(hashable).map(Counter),
    st.sets(hashable),
    st.frozensets(hashable),
    st.text(),
    st.binary(),
    st.binary().map(bytearray),
    st.lists(st.floats(allow_nan=False)).map(lambda some: array.array("d", some)),
)


@given(containers, dists, places)
def test_containers_come_back_equal_and_of_their_kind(whole: Any, dist: str, count: int) -> None:
    back = there_and_back(whole, dist, count)
    assert back == whole
    assert type(back) is type(whole)
    if isinstance(whole, OrderedDict | dict):
        assert list(back) == list(whole)
    if isinstance(whole, defaultdict):
        assert back.default_factory is list


@given(st.integers(0, 30), dists, places)
def test_other_iterables_come_back_as_what_holds_their_items(count: int, dist: str, engines: int) -> None:
    expected = list(range(count))
    assert there_and_back(range(count), dist, engines) == expected
    assert there_and_back((number for number in range(count)), dist, engines) == expected
    assert there_and_back(ByNumber(count), dist, engines) == [number * 10 for number in range(count)]
    assert there_and_back(memoryview(bytes(count)), dist, engines) == bytes(count)
    assert there_and_back(dict.fromkeys(range(count)).keys(), dist, engines) == expected
    assert there_and_back(dict.fromkeys(range(count), 1).values(), dist, engines) == [1] * count
    assert there_and_back(MappingProxyType(dict.fromkeys(range(count), 1)), dist, engines) == dict.fromkeys(expected, 1)
    assert there_and_back(collections.ChainMap({1: 2}, {3: 4}), dist, engines) == {1: 2, 3: 4}


dtypes = st.sampled_from(
    ["i8", ">i4", "u1", "f4", ">f8", "c16", "?", "U3", "S2", "O", "M8[ns]", "m8[s]", "i4,f8", "V3"]
)


@given(st.dictionaries(hashable, items), dists, places)
def test_sets_that_have_an_order_and_views_of_dicts_keep_it(some: dict[Any, Any], dist: str, count: int) -> None:
    for view in (some.keys(), some.items(), some.values()):
        assert there_and_back(view, dist, count) == list(view)
    whole = there_and_back(OrderedSet(some), dist, count)
    assert type(whole) is OrderedSet
    assert list(whole) == list(some)


def an_array(dtype: str, count: int, width: int) -> Any:
    shape = (count,) if not width else (count, width - 1)
    if dtype == "V3":
        return np.zeros(shape, dtype=dtype)
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    return numbers.astype("m8[ns]").astype(dtype) if dtype[0] in "mM" else numbers.astype(dtype)


@given(
    dtypes,
    st.integers(0, 12),
    st.integers(0, 3),
    dists,
    places,
    st.sampled_from(["", "F", "masked", "tagged", "memmap"]),
)
def test_arrays_come_back_with_dtype_mask_and_subclass(
    dtype: str, count: int, width: int, dist: str, engines: int, form: str
) -> None:
    whole = an_array(dtype, count, width)
    if form == "F":
        whole = np.asfortranarray(whole)
    elif form == "masked":
        whole = np.ma.array(whole, mask=np.resize([True, False, False], whole.shape) if count else False)
        if dtype in {"i8", "f4"}:
            whole.fill_value = 77
    elif form == "tagged":
        whole = whole.view(Tagged)
        whole.tag = "mine"
    back = there_and_back(whole, dist, engines)
    assert type(back) is type(whole)
    # numpy forgets the byte order of subclasses when it pickles them.
    assert back.dtype == (whole.dtype.newbyteorder("=") if form in {"masked", "tagged"} else whole.dtype)
    assert back.shape == whole.shape
    assert back.tolist() == whole.tolist()
    if form == "masked":
        assert np.array_equal(np.ma.getmaskarray(back), np.ma.getmaskarray(whole))
        if dtype in {"i8", "f4"}:
            assert back.fill_value == 77
    if form == "tagged":
        assert back.tag == "mine"


numbers = st.one_of(
    st.lists(st.integers(-(2**62), 2**62), max_size=5).map(lambda some: np.array(some, dtype="i8")),
    st.lists(st.integers(0, 2**64 - 1), max_size=5).map(lambda some: np.array(some, dtype="u8")),
    st.lists(st.floats(), max_size=5).map(lambda some: np.array(some, dtype="f8")),
    st.lists(st.floats(width=16), max_size=5).map(lambda some: np.array(some, dtype="f2")),
    st.lists(st.booleans(), max_size=5).map(lambda some: np.array(some, dtype="?")),
    st.lists(st.text("ab ", max_size=9), max_size=5).map(lambda some: np.array(some, dtype="U9")),
    st.lists(st.text("ab", max_size=2), max_size=5).map(lambda some: np.array(some, dtype="U2")),
    st.lists(st.text(max_size=2) | st.none() | st.integers(), max_size=5).map(
        lambda some: np.array(some, dtype=object)
    ),
    st.lists(st.integers(-9, 9), max_size=5).map(lambda some: np.array(some, dtype="M8[D]")),
    st.lists(st.integers(-9, 9), max_size=5).map(lambda some: np.array(some, dtype="M8[ns]")),
    st.lists(items, max_size=5),
    st.lists(items, max_size=5).map(tuple),
    st.just(np.zeros((0, 3))),
    st.just(np.ones((2, 3))),
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and one.ndim:
        return bool(np.array_equal(one, other))
    return one is other or bool(one == other) or (one != one and other != other)


@given(st.lists(numbers, min_size=1, max_size=5), dists)
def test_no_row_is_lost_or_changed_whatever_parts_are_joined(parts: list[Any], dist: str) -> None:
    joined = DISTRIBUTIONS[dist].join(parts)
    rows = [row for part in parts for row in part]
    if dist == "r":
        rows = [rows[number] for number in in_turn([len(part) for part in parts])]
    assert len(joined) == len(rows)
    for row, found in zip(rows, joined, strict=True):
        assert same(row, found), (row, found)
        if isinstance(row, bool | np.bool | str):
            assert isinstance(found, bool | np.bool | str)


LONG = 3 << 18


@pytest.mark.parametrize(
    ("parts", "again"),
    [
        ([np.arange(LONG), np.arange(LONG)], True),
        ([np.ones((LONG, 2), ">f4"), np.zeros((1, 2), ">f4"), np.ones((LONG, 2), ">f4")], True),
        ([np.asfortranarray(np.ones((LONG, 2))), np.ones((LONG, 2))], False),
        ([np.ones(LONG, object), np.ones(LONG, object)], False),
        ([np.ones(LONG).view(Tagged), np.ones(LONG).view(Tagged)], True),
        ([np.arange(10), np.arange(10)], False),
    ],
)
def test_long_arrays_are_joined_in_memory_that_is_there(
    monkeypatch: pytest.MonkeyPatch, parts: list[Any], *, again: bool
) -> None:
    monkeypatch.setattr(BLOCKS, "most", 256 << 20)
    rows = ArrayRows()
    for _ in range(2):
        whole = rows.join(parts)
        assert np.array_equal(whole, np.concatenate(parts))
        assert (type(whole), whole.dtype) == (type(parts[0]), parts[0].dtype)
        whole[0] = 7
        assert parts[0].flat[0] != 7
        del whole
    assert len(BLOCKS) == again
    BLOCKS.close()


@given(st.lists(st.sampled_from([0, 1, 2, 3, 99, 100, 101, 150]), max_size=5))
def test_rows_are_taken_from_the_parts_in_turn(counts: list[int]) -> None:
    parts = [[(turn, place) for turn in range(count)] for place, count in enumerate(counts)]
    rows = [row for part in parts for row in part]
    assert [rows[number] for number in in_turn(counts)] == sorted(rows)
    assert DISTRIBUTIONS["r"].join(parts) == sorted(rows)


def test_parts_of_several_types_become_what_holds_them_all() -> None:
    join = DISTRIBUTIONS["r"].join
    assert join([np.array([1, 2]), np.array([0.5])]).tolist() == [1.0, 0.5, 2.0]
    assert join([np.array(["l"]), np.array(["longer"])]).tolist() == ["l", "longer"]
    masked = join([np.array([1, 2]), np.ma.array([3.5, 9.0], mask=[False, True])])
    assert isinstance(masked, np.ma.MaskedArray)
    assert masked.tolist() == [1.0, 3.5, 2.0, None]
    assert join([[1, 2], np.array([3, 4])]) == [1, 3, 2, 4]
    assert join([np.array([1.5]), np.array(["a"])]).tolist() == [1.5, "a"]
    assert join([np.array([2**62 + 1]), np.array([0.5])]).tolist() == [2**62 + 1, 0.5]
    assert join([np.array([1, 2]), []]).dtype == np.int64
    assert join([np.array([1, 2]), np.array([])]).dtype == np.int64


def test_what_has_no_rows_stays_a_list_of_the_parts() -> None:
    for dist in DISTRIBUTIONS.values():
        assert dist.join([]) == []
        assert dist.join([1, 2]) == [1, 2]
        assert dist.join(["ab", "c"]) == ["ab", "c"]
        assert dist.join([b"ab", b"c"]) == [b"ab", b"c"]
        assert dist.join([np.array(3), np.array(4)]) == [np.array(3), np.array(4)]
        assert dist.join([np.float64(3), None]) == [3.0, None]
        assert dist.join([[1, 2], 3]) == [[1, 2], 3]
        assert dist.join([{"loss": 1}, {"loss": 2}]) == [{"loss": 1}, {"loss": 2}]
        assert dist.join([{1, 2}, {2}]) == [{1, 2}, {2}]
        assert dist.join([{"a": 1}, [2]]) == [{"a": 1}, [2]]
    assert DISTRIBUTIONS["b"].join([Pair(1, 2), Pair(3, 4)]) == [1, 2, 3, 4]


def test_flatten_gives_the_row_of_a_part_that_has_one() -> None:
    assert parts_of([5, 6], "b", 2, flatten=True) == [5, 6]
    assert parts_of([5, 6, 7], "b", 2, flatten=True) == [[5, 6], 7]
    assert parts_of({"a": 1, "b": 2}, "r", 2, flatten=True) == [("a", 1), ("b", 2)]
    assert parts_of({5}, "b", 1, flatten=True) == [5]
    assert [part.tolist() for part in parts_of(np.eye(2), "b", 2, flatten=True)] == [[1.0, 0.0], [0.0, 1.0]]


def test_what_cannot_be_cut_says_so() -> None:
    for value in (3, None, np.array(3), object()):
        with pytest.raises(TypeError, match="use push"):
            with_rows(value)


class Recording:
    """A lazy reader: its slices hang on something that does not travel."""

    def __init__(self, rows: list[int]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> Any:
        return Recording(self.rows[key]) if isinstance(key, slice) else self.rows[key]

    def __reduce__(self) -> Any:
        raise TypeError("hangs on an open file")


@pytest.mark.parametrize("dist", ["b", "r"])
def test_a_lazy_reader_is_read_where_its_slices_cannot_travel(dist: str) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Recording([1]))
    assert there_and_back(Recording([1, 2, 3]), dist, 2) == [1, 2, 3]
