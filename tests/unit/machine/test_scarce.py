"""Before something long is refused, what is only kept to be used again goes back to the system."""

from __future__ import annotations

import pytest

from engineroom.machine.shared_memory import scarce
from engineroom.machine.shared_memory.pool import LEAST, SharedPool
from engineroom.machine.shared_memory.scarce import LONG, has_memory


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> SharedPool:
    """A pool with an idle segment; there is memory for something long only once that is gone."""
    pool = SharedPool()
    pool.allow(64 << 20)
    assert pool.snapshot([memoryview(bytes(LEAST))])
    assert pool.size
    monkeypatch.setattr(scarce, "suffices", lambda size: not pool.size)
    return pool


def test_idle_segments_go_before_something_long_is_refused(pool: SharedPool) -> None:
    assert has_memory(LONG, pool)
    assert not pool.size


def test_segments_that_are_looked_at_stay(pool: SharedPool) -> None:
    blank = pool.blank(LEAST)
    assert not has_memory(LONG, pool)
    assert blank is not None
    assert pool.size


def test_nothing_goes_for_something_short(pool: SharedPool) -> None:
    assert has_memory(LONG - 1, pool)
    assert pool.size
