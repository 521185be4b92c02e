"""What %pxdiff says, and how values are told apart."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.engine.fingerprints import Fingerprint, summary_of
from engineroom.engine.value_hash import hash_of
from engineroom.errors import EngineError
from engineroom.magics.differences import told

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers(), max_size=4)
    ),
    max_leaves=12,
)


class Point:
    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = x, y


def copied(value: Any) -> Any:
    """Return an equal value that shares nothing, with dicts and sets filled in another order."""
    if type(value) is dict:
        return {key: copied(item) for key, item in reversed(value.items())}
    if type(value) in {list, tuple}:
        return type(value)(map(copied, value))
    return frozenset(sorted(value, reverse=True)) if type(value) is frozenset else value


@given(plain)
def test_equal_values_have_equal_hashes(value: Any) -> None:
    assert hash_of(value) == hash_of(copied(value))
    assert hash_of(Point(value, 1)) == hash_of(Point(copied(value), 1))


@given(plain, plain)
def test_different_values_have_different_hashes(one: Any, other: Any) -> None:
    if repr(one) != repr(other) and one != other:
        assert hash_of(one) != hash_of(other)


def test_shared_parts_do_not_matter_and_cycles_end() -> None:
    part = [1, 2]
    assert hash_of([part, part]) == hash_of([[1, 2], [1, 2]])
    one: list[Any] = [1]
    one.append(one)
    other: list[Any] = [1]
    other.append(other)
    assert hash_of(one) == hash_of(other)


def test_arrays_and_what_has_them() -> None:
    a = np.arange(6.0)
    assert hash_of(a) == hash_of(a.copy())
    assert hash_of(a) == hash_of(np.arange(12.0)[:6])
    assert len({hash_of(x) for x in (a, a.reshape(2, 3), a.astype("f4"), a + 1, list(a))}) == 5
    assert hash_of(np.array([{"a": 1}, None])) == hash_of(np.array([{"a": 1}, None]))
    assert hash_of({"w": a, "n": np.float64(2)}) == hash_of({"n": np.float64(2), "w": a.copy()})


def test_large_arrays_are_looked_at_in_pieces_whatever_their_layout() -> None:
    a = np.arange(300_000.0).reshape(600, 500)
    wide = np.zeros((600, 1000))
    wide[:, ::2] = a
    assert hash_of(a) == hash_of(np.asfortranarray(a)) == hash_of(wide[:, ::2])
    other = a.copy()
    other[-1, -1] += 1
    assert hash_of(a) != hash_of(other)
    times = np.array(["2020-01-01", "2021-01-01"], "M8[D]")
    assert hash_of(times) == hash_of(times.copy()) != hash_of(times[::-1])
    empty = [np.zeros((0, 3)), np.zeros((0, 4)), np.array([], "U"), np.array(3.0), np.zeros(2, "V0")]
    assert len({hash_of(each) for each in empty}) == len(empty)


def test_whole_numbers_of_any_length() -> None:
    assert hash_of(10**5000) == hash_of(10**5000) != hash_of(10**5000 + 1)
    assert len({hash_of(each) for each in (1, True, 1.0, -1, "1")}) == 5


def test_a_hash_is_the_same_in_every_process() -> None:
    code = (
        "from engineroom.engine.value_hash import hash_of\n"
        "import collections, datetime, decimal\n"
        "print(hash_of([{'a', 'b', 'c'}, collections.OrderedDict(a=1), datetime.date(2020, 1, 2)]))\n"
        "print(hash_of([decimal.Decimal('1.5'), len, dict, (lambda x: x + 1)]))"
    )
    said = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "ab"
    }
    assert len(said) == 1


@pytest.mark.parametrize("value", [threading.Lock(), (number for number in [1]), threading.local()])
def test_what_cannot_be_taken_apart_says_so(value: Any) -> None:
    with pytest.raises(TypeError):
        hash_of([1, value])


class Odd:
    def __repr__(self) -> str:
        raise ZeroDivisionError

    @property
    def shape(self) -> Any:
        raise RuntimeError


class Long:
    def __repr__(self) -> str:
        return "\x1b[31mred\n" + "x" * 1000

    def __len__(self) -> int:
        raise ValueError


def test_odd_reprs_make_one_short_line() -> None:
    assert summary_of(Odd()) == "Odd <Odd instance at 0x...>"
    assert summary_of(Long()).startswith("Long [31mred xxx")
    assert len(summary_of(Long())) < 80
    assert summary_of(np.zeros((2, 3))).startswith("ndarray float64 (2, 3) array(")
    assert summary_of(list(range(1000))) == "list of 1000 [0, 1, 2, 3, 4, 5, ...]"


ONE, TWO = Fingerprint("aaaa", "int 1"), Fingerprint("bbbb", "int 2")
GONE = Fingerprint("NameError: name 'x' is not defined", "NameError: name 'x' is not defined", missing=True)
LOCK = Fingerprint("", "lock <locked>")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (dict.fromkeys(range(16), ONE), ["x: all 16 engines have the same value: int 1 #aaaa"]),
        ({3: ONE}, ["x: the engine has int 1 #aaaa"]),
        (
            dict.fromkeys(range(16), ONE) | {7: TWO},
            ["x: 2 different values on 16 engines", "[0-15 except 7] int 1 #aaaa", "[7] int 2 #bbbb"],
        ),
        (
            {0: ONE, 1: TWO, 2: GONE},
            [
                "x: 3 different values on 3 engines",
                "[0] int 1 #aaaa",
                "[1] int 2 #bbbb",
                "[2] no value: NameError: name 'x' is not defined",
            ],
        ),
        (dict.fromkeys(range(4), GONE), ["x: no value: NameError: name 'x' is not defined"]),
        ({0: LOCK, 1: LOCK}, ["x: all 2 engines have lock <locked>; values of this type cannot be compared"]),
        (
            {0: ONE, 1: EngineError("engine 1 died")},
            ["x: 2 different values on 2 engines", "[0] int 1 #aaaa", "[1] no answer: engine 1 died"],
        ),
    ],
)
def test_engines_that_agree_are_named_together(found: dict[int, Any], words: list[str]) -> None:
    assert told("x", found).splitlines() == words


def test_very_many_values_are_not_all_shown() -> None:
    said = told("x", {engine: Fingerprint(str(engine), f"int {engine}") for engine in range(100)}).splitlines()
    assert len(said) == 22
    assert said[-1] == "... 80 more values ..."
