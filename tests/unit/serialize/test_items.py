"""Chunks of a map: every item runs, and each error is that of its item."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.serialize.chunks.items import Failed, ItemsFailed, Results, each_item
from engineroom.serialize.chunks.running import running_chunk
from engineroom.serialize.failures.packing import unpack_failure
from engineroom.serialize.payloads import unpack

FAILURES = (ValueError, StopIteration, StopAsyncIteration, GeneratorExit, SystemExit, MemoryError, ExceptionGroup)


def run(function: Callable[..., Any], *columns: Any, **options: Any) -> list[Any]:
    """Return the results of a chunk, with the names of errors in place of results, as a client would see them."""
    try:
        chunk = each_item(function, *columns, **options)
        if asyncio.iscoroutine(chunk):
            chunk = asyncio.run(chunk)
        assert type(chunk) is Results
        packed: Any = chunk.packed(asyncio.run)
    except ItemsFailed as failure:
        packed = failure.packed
    return [
        f"!{unpack_failure(item.packed).ename}" if type(item) is Failed else item
        for item in unpack(packed if isinstance(packed, bytes) else b"".join(packed))
    ]


def maybe(number: int) -> int:
    """Raise, of negative numbers, one of FAILURES."""
    if number < 0:
        kind = FAILURES[-number % len(FAILURES)]
        raise kind("x", [ValueError()]) if kind is ExceptionGroup else kind(number)
    return number * 2


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=40))
def test_each_item_has_its_own_result_or_error_whatever_is_raised(items: list[int]) -> None:
    expected = [f"!{FAILURES[-item % len(FAILURES)].__name__}" if item < 0 else item * 2 for item in items]
    assert run(maybe, items) == expected

    async def later(number: int) -> int:
        await asyncio.sleep(0)
        return maybe(number)

    # Python itself makes a RuntimeError of StopIteration that leaves a coroutine.
    assert run(later, items) == [("!RuntimeError" if it == "!StopIteration" else it) for it in expected]

    def mixed(number: int) -> Any:
        return later(number) if number % 3 == 0 else maybe(number)

    assert [it if isinstance(it, int) else "!" for it in run(mixed, items)] == [
        it if isinstance(it, int) else "!" for it in expected
    ]


def test_results_that_cannot_travel_are_errors_of_their_items() -> None:
    def make(number: int) -> Any:
        return {1: threading.Lock, 3: lambda: (item for item in ()), 5: lambda: 1 / 0}.get(number, lambda: number)()

    assert run(make, range(7)) == [0, "!PackError", 2, "!PackError", 4, "!ZeroDivisionError", 6]
    assert run(make, [0, 1, 2, 3]) == [0, "!PackError", 2, "!PackError"]


def test_an_interrupt_ends_the_chunk_and_keeps_what_is_there() -> None:
    ran = []

    def interrupted(number: int) -> int:
        ran.append(number)
        if number == 2:
            raise KeyboardInterrupt
        return number

    assert run(interrupted, range(5)) == [0, 1, "!KeyboardInterrupt", "!TaskAborted", "!TaskAborted"]
    assert ran == [0, 1, 2]


def test_a_withdrawn_chunk_ends_whatever_the_function_does_with_the_interrupt() -> None:
    ran = []

    def swallow(number: int) -> int:
        ran.append(number)
        if number == 2:
            running_chunk.withdraw()
        return number

    async def swallow_later(number: int) -> int:
        return swallow(number)

    def raise_another(number: int) -> float:
        return 1 // int(2 - swallow(number))

    for function, third in ((swallow, 2), (swallow_later, 2), (raise_another, "!ZeroDivisionError")):
        for column in (range(5), list(range(5)), np.arange(5)):
            ran.clear()
            assert run(function, column)[2:] == [third, "!KeyboardInterrupt", "!TaskAborted"]
            assert ran == [0, 1, 2]
            assert run(abs, [1, 2]) == [1, 2]
    ran.clear()
    assert run(swallow, [0, 1, 2]) == [0, 1, 2]  # it was too late


def test_stop_runs_nothing_after_an_error() -> None:
    ran = []

    def fail(number: int) -> int:
        ran.append(number)
        return 1 // (number - 2)

    async def fail_later(number: int) -> int:
        return fail(number)

    for function in (fail, fail_later):
        ran.clear()
        assert run(function, range(5), stop=True)[2:] == ["!ZeroDivisionError", "!TaskAborted", "!TaskAborted"]
        assert ran == [0, 1, 2]


def test_an_error_tells_its_item_and_what_it_was_called_with() -> None:
    with pytest.raises(ItemsFailed, match=r"^item 12: ZeroDivisionError: division by zero$") as caught:
        each_item(lambda x, y: x / y, [1, 2, 3], [1, 1, 0], first=10)
    failed = unpack(caught.value.packed)[2]
    assert failed.arguments == "3, 0"
    with pytest.raises(ItemsFailed, match=r"^2 of 2 items failed; item 0: ZeroDivisionError"):
        each_item(lambda x: x / 0, [1, 2])
    with pytest.raises(ItemsFailed) as caught:
        each_item(len, [10**100], first=0)
    assert len(unpack(caught.value.packed)[0].arguments) < 60


class Awkward:
    """Its repr raises, or is long."""

    def __init__(self, shown: str | None) -> None:
        self.shown = shown

    def __repr__(self) -> str:
        if self.shown is None:
            raise RuntimeError("no repr")
        return self.shown


@pytest.mark.parametrize("item", [Awkward(None), Awkward("x\n" * 5000), "y" * 10_000, list(range(10_000))])
def test_any_item_is_shown_shortly_or_not_at_all(item: Any) -> None:
    with pytest.raises(ItemsFailed) as caught:
        each_item(lambda x: x.nothing, [item])
    shown = unpack(caught.value.packed)[0].arguments
    assert len(shown) <= 80
    assert "\n" not in shown


def test_a_stop_iteration_says_where_it_comes_from() -> None:
    with pytest.raises(ItemsFailed) as caught:
        each_item(lambda items: next(item for item in items if item), [[0], [1]])
    failed, found = unpack(caught.value.packed)
    assert found == 1
    assert "next()" in unpack_failure(failed.packed).traceback


def test_a_column_whose_items_cannot_be_read_ends_too() -> None:
    class Broken:
        def __len__(self) -> int:
            return 3

        def __iter__(self) -> Iterator[int]:
            yield 1
            raise OSError("the file is gone")

    assert run(abs, Broken()) == [1, "!OSError", "!StopIteration"]
