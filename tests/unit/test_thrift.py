"""Memory goes back when there is nothing else to do, and not before."""

from __future__ import annotations

import asyncio

import pytest

from engineroom.machine import memory
from engineroom.transport import thrift
from tests.patience import comes_true


def test_memory_goes_back_once_nothing_changes_and_again_once_what_was_kept_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thrift, "QUIET", 0.01)
    given: list[int] = []
    monkeypatch.setattr(memory, "give_back", lambda: given.append(kept))
    told: list[bool] = []
    monkeypatch.setattr(memory, "keep_large_apart", lambda *, apart: told.append(apart))
    kept = 2 * thrift.WORTH

    async def story() -> None:
        nonlocal kept
        looks = thrift.Thrift(lambda: kept)
        looks.passed(10)
        assert looks._timer is None
        looks.passed(thrift.WORTH)
        assert told == []
        kept += 1
        looks.passed(thrift.WORTH + 1)
        await comes_true(lambda: len(given) >= 1)
        kept = 0
        await comes_true(lambda: len(given) >= 2)
        assert looks._timer is None
        looks.close()

    asyncio.run(story())
    assert given == [2 * thrift.WORTH + 1, 0]
    assert told == [True]


def test_what_is_free_can_be_given_back_anywhere() -> None:
    memory.keep_large_apart(apart=True)
    memory.keep_large_apart(apart=False)
    memory.give_back()
