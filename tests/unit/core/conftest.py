"""A play with one client, and engines that answer as the test says."""

from __future__ import annotations

import pytest

from engineroom.core.events import ClientUp, EngineUp
from tests.unit.core.pretend import Play, instance_id, session_id

CLIENT = 1
ENGINE_0 = 10
ENGINE_1 = 11


@pytest.fixture
def play() -> Play:
    """Return a core with client 1 (peer 1) and no engines."""
    play = Play()
    play(CLIENT, ClientUp(session_id()))
    return play


@pytest.fixture
def two(play: Play) -> Play:
    """Return a core with client 1 (peer 1) and engines 0 and 1 (peers 10 and 11)."""
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(ENGINE_1, EngineUp(instance_id(1)))
    return play
