"""The errors of a map's items: many of them cost little, and each is what it would be alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.state.map_items import FailedItem, items_of
from engineroom.errors import RemoteError
from engineroom.serialize.chunks.items import ItemsFailed, each_item


class Own(Exception):
    """An error of the user's."""

    def __init__(self, number: int, *, text: str) -> None:
        super().__init__(number)
        self.text = text


def raising(error: BaseException, note: str = "", cause: BaseException | None = None) -> None:
    if note:
        error.add_note(note)
    if cause is None:
        raise error
    raise error from cause


KINDS: list[Callable[[Any], Any]] = [
    lambda value: raising(ValueError(value)),
    lambda value: raising(ValueError(value, 1)),
    lambda value: value.nothing,
    lambda value: {}[value],
    lambda value: raising(Own(4, text=str(value))),
    lambda value: raising(TypeError(value), note="a note"),
    lambda value: raising(OSError(6, value)),
    lambda value: raising(ValueError()),
    lambda value: raising(RuntimeError(value), cause=KeyError(1)),
]


def fail(item: tuple[int, Any]) -> Any:
    """Raise an error of a kind that the first number chooses."""
    kind, value = item
    return KINDS[kind](value)


def errors_of(items: list[Any]) -> list[RemoteError]:
    with pytest.raises(ItemsFailed) as caught:
        each_item(fail, items)
    found = items_of(caught.value, 3, None)
    assert all(type(item) is FailedItem for item in found)
    return [item.error for item in found]


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.sampled_from([0, 1, -1, "", "a", "a\nb", "x" * 2000, None, 0.5, (1,)])),
        min_size=1,
        max_size=30,
    )
)
def test_each_error_is_what_it_would_be_alone(items: list[Any]) -> None:
    for index, (error, item) in enumerate(zip(errors_of(items), items, strict=True)):
        [alone] = errors_of([item])
        assert type(error) is type(alone)
        assert (error.ename, error.evalue, error.traceback) == (alone.ename, alone.evalue, alone.traceback)
        assert (error.args, str(error.original)) == (alone.args, str(alone.original))
        assert error.engine_info == alone.engine_info
        assert error.item is not None
        assert error.item[0] == index


def test_errors_that_are_alike_are_different_objects() -> None:
    first, second = errors_of([(0, 1), (0, 1)])
    assert first is not second
    assert first.original is not second.original
