"""A controller whose profile has been removed: it says so, and ends when nobody uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from engineroom.controller.homeless import Home, is_idle
from engineroom.core.events import ClientUp
from engineroom.core.reactor import handle
from engineroom.core.state import ControllerState
from engineroom.ids import Peer, new_session
from tests.patience import comes_true


async def _watch(directory: Path, idle: Callable[[], bool], until: Callable[[list[str]], bool]) -> list[str]:
    ends: list[str] = []
    home = Home(directory, idle=idle, on_end=ends.append, seconds=0.06)
    home.watch()
    try:
        await comes_true(lambda: until(ends))
    finally:
        home.close()
    return ends


def test_without_its_directory_and_without_clients_it_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gone = tmp_path / "profile" / "security"
    [reason] = asyncio.run(_watch(gone, lambda: True, bool))
    assert reason.startswith(f"{gone} was removed 1 min ago")
    assert "the directory with this cluster's keys is gone" in caplog.text


def test_with_clients_it_says_so_once_and_goes_on_until_they_leave(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []

    def idle() -> bool:
        asked.append(1)
        return len(asked) > 5

    ends = asyncio.run(_watch(tmp_path / "gone", idle, bool))
    assert len(ends) == 1
    assert caplog.text.count("is gone") == 1


def test_a_directory_that_is_there_or_comes_back_is_no_reason(tmp_path: Path) -> None:
    place, asked = tmp_path / "security", []

    def idle() -> bool:
        asked.append(1)
        place.mkdir(exist_ok=True)  # it comes back
        return False

    rounds = iter(range(30))
    assert asyncio.run(_watch(place, idle, lambda _: next(rounds, None) is None)) == []
    assert len(asked) == 1
    assert asyncio.run(_watch(tmp_path, lambda: True, lambda _: True)) == []


def test_who_is_idle() -> None:
    state = ControllerState()
    assert is_idle(state)
    handle(state, Peer(1), ClientUp(new_session()), now=0.0, rng=Random(0))
    assert not is_idle(state)
