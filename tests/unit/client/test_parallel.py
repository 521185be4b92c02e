"""Parallel functions: each engine gets a part of the sequences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import engineroom as er
from engineroom.client.client import Client


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
