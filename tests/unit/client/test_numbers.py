"""A history remembers the last numbers in order, whatever their gaps."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.state.numbers import NumberHistory


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=30), st.integers(1, 12))
def test_the_last_ones_in_order(steps: list[tuple[int, int]], limit: int) -> None:
    history, added = NumberHistory(limit), []
    firsts = accumulate((gap + count for gap, count in steps), initial=0)
    for first, (gap, count) in zip(firsts, steps, strict=False):
        history.add(first + gap, count)
        added += range(first + gap, first + gap + count)
    assert list(history) == added[-limit:]
