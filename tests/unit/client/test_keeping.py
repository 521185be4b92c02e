"""Calls that cannot be kept for engines that start later."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom import Client, PackError
from engineroom.protocol.messages import Submit
from tests.unit.client.fake_controller import FakeController


@pytest.mark.parametrize("beside", [b"", bytes(1 << 21)], ids=["small", "large"])
@pytest.mark.parametrize("depth", [0, 2])
def test_results_that_are_not_there_yet_are_not_kept(
    rc: Client, fake: FakeController, beside: bytes, depth: int
) -> None:
    fake.holding = True
    result = rc.load_balanced_view().apply_async(abs, -1)
    value: Any = result
    for _ in range(depth):
        value = [value]
    with pytest.raises(PackError, match=r"the call 'push x, y' cannot be kept.* has not ended.*`ar\.get\(\)`"):
        rc[:].push({"x": value, "y": beside}, keep=True)
    with pytest.raises(PackError, match="the call 'scatter x' cannot be kept"):
        rc[:].scatter("x", [value, beside], keep=True)
    assert rc.kept == []
    fake.answer()
    assert result.get() == 1
    assert len([message for message in fake.heard if isinstance(message, Submit)]) == 1
