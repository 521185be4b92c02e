"""Parallel functions: each engine gets a part of the sequences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import engineroom as er
from engineroom.client.client import Client
from tests.unit.client.fake_controller import FakeController


def test_parts_of_sequences(rc: Client) -> None:
    for view in (rc[:], rc.load_balanced_view()):

        @view.parallel(block=True)
        def doubled(xs: list[int]) -> list[int]:
            """Twice each."""
            return [2 * x for x in xs]

        assert doubled(range(5)) == [0, 2, 4, 6, 8]
        assert doubled([]) == []
        assert doubled([3]) == [6]
        assert doubled.map([[1], [2]]) == [[2], [4]]
        assert str(doubled.__doc__).endswith("Twice each.")
        assert view.parallel(block=True)(len)([1, 2, 3, 4, 5]) == [3, 2]
        assert view.parallel(block=True)(len)({"a": 1, "b": 2, "c": 3}) == [2, 1]
        assert view.parallel(block=True)(lambda *parts: parts[0])([1, 2, 3], itertools.count(), {4, 5}) == [1, 2]
        with pytest.raises(TypeError):
            view.parallel(block=True)(len)()
        assert view.parallel("r", block=True)(list)([0, 1, 2, 3, 4]) == [0, 1, 2, 3, 4]
        options = view.parallel(chunksize=2, ordered=False, return_exceptions=True)(doubled.func)
        assert (options.chunksize, options.ordered, options.return_exceptions) == (2, False, True)
        array = view.parallel(block=True)(np.sqrt)(np.arange(7.0))
        np.testing.assert_array_equal(array, np.sqrt(np.arange(7.0)))


def test_several_sequences_are_cut_alike(rc: Client) -> None:
    def both(xs: list[int], ys: list[int]) -> list[int]:
        return [x + y for x, y in zip(xs, ys, strict=True)]

    function = er.parallel(rc[:])(both)
    assert function([1, 2, 3], [10, 20, 30]).get() == [11, 22, 33]
    assert function([1], [1, 2]).get() == [2]
    with pytest.raises(TypeError):
        function()
    assert repr(function) == "<ParallelFunction both on <DirectView [0, 1]>>"


def test_parts_of_a_size_in_a_balanced_view(rc: Client) -> None:
    sizes = er.parallel(rc.load_balanced_view(), "b", True, chunksize=2)(len)
    assert sizes(range(7)) == [2, 2, 2, 1]
    assert sizes.map([[1], [2, 3]]) == [1, 2]
    sizes.chunksize = 0
    for call in (lambda: sizes(range(3)), lambda: sizes.map(["a"])):
        with pytest.raises(ValueError, match="chunksize must be at least 1, not 0"):
            call()
    direct = er.ParallelFunction(rc[:], len, "b", True, 2)
    with pytest.warns(UserWarning, match="chunksize has no effect in a direct view") as seen:
        assert direct(range(5)) == [3, 2]
    assert seen[0].filename == __file__
    with pytest.warns(UserWarning, match="chunksize has no effect"):
        assert direct.map(["a", "bc"]) == [1, 2]


def test_rows_come_as_their_parts_arrive(rc: Client, fake: FakeController) -> None:
    unordered = er.parallel(rc.load_balanced_view(), ordered=False, chunksize=2)(list)
    fake.holding = True
    result = unordered([1, 2, 3, 4])
    fake.answer(1)
    rows = iter(result)
    first = {next(rows), next(rows)}
    assert first in ({1, 2}, {3, 4})
    assert len(result) == 2
    assert result.progress == 1
    fake.answer()
    assert first | set(rows) == {1, 2, 3, 4}
    assert result.get() == [1, 2, 3, 4]


def test_errors_of_parts_are_returned(rc: Client) -> None:
    def inverse(xs: list[int]) -> list[float]:
        return [1 / x for x in xs]

    function = er.parallel(rc.load_balanced_view(), chunksize=1, return_exceptions=True)(inverse)
    good, bad = function([1, 0]).get()
    assert good == [1.0]
    assert isinstance(bad, er.RemoteError)
    assert bad.ename == "ZeroDivisionError"


def test_a_gather_that_is_there_is_as_long_as_the_whole(rc: Client, fake: FakeController) -> None:
    rc[:].scatter("a", range(5), block=True)
    rc[:].push({"b": 3}, block=True)
    fake.holding = True
    result = rc[:].gather("a")
    assert (len(result), result.progress) == (2, 0)
    fake.answer()
    assert result.get() == [0, 1, 2, 3, 4]
    assert (len(result), result.progress) == (5, 5)
    assert [result[place] for place in range(len(result))] == list(result) == list(reversed(list(reversed(result))))
    fake.holding = False
    alone, missing = rc[:].gather("b"), rc[:].gather("nosuch")
    missing.wait()
    assert alone.get() == [3, 3]
    assert (len(alone), len(missing), missing.progress) == (2, 2, 2)
