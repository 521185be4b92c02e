"""Which results a packed call takes is found, and they are named anew, without unpacking it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engineroom.ids import SessionId, TaskId, task_id
from engineroom.serialize.functions.packing import pack_call, unpack_call
from engineroom.serialize.futures import given, result_of
from engineroom.serialize.names_in_calls import renamed, results_named
from engineroom.serialize.payloads import pack

SESSION = SessionId(bytes(range(16)))
OTHER = SessionId(bytes(range(64, 80)))


class Taken:
    """What stands for a result in the arguments of a call."""

    def __init__(self, task: TaskId) -> None:
        self._task = task

    def __reduce__(self) -> Any:
        return result_of, (self._task,)


FIRST, SECOND = Taken(task_id(SESSION, 1)), Taken(task_id(SESSION, 2))


@pytest.mark.parametrize("more", [None, np.arange(100_000), b"C\x18" * 50, "x" * 300_000])
def test_results_have_other_names(more: Any) -> None:
    packed = pack_call((FIRST, [SECOND, FIRST], more), {"again": Taken(task_id(SESSION, 1))})
    whole = packed if isinstance(packed, bytes) else b"".join(packed)
    assert results_named(whole) == [task_id(SESSION, 1), task_id(SESSION, 2)]
    again = renamed(whole, {task_id(SESSION, 1): task_id(OTHER, 7)})
    results = {task_id(OTHER, 7): pack("seven"), task_id(SESSION, 2): pack("two")}
    with given(results):  # type: ignore[arg-type]  # both are short
        (first, others, its), names = unpack_call(again)
    assert (first, others, names) == ("seven", ["two", "seven"], {"again": "seven"})
    assert np.array_equal(its, more) if isinstance(more, np.ndarray) else its == more


def test_a_call_that_takes_no_result_names_none() -> None:
    packed = pack_call((SESSION, task_id(SESSION, 1), result_of), {})
    assert isinstance(packed, bytes)
    assert results_named(packed) == []
