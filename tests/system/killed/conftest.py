"""A cluster of its own for each test, started by a command, of which processes may be killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engineroom import Client
from tests.chaos.victim import Victim
from tests.patience import SECONDS

FORGETFUL = ("--", "--nodb", "--IPController.linger=1")
"""A database in memory would keep arguments of tasks that have ended, the controller results of clients that left."""


@pytest.fixture
def options() -> tuple[str, ...]:
    """Return what is added to the command; modules have others."""
    return ()


@pytest.fixture
def victim(tmp_path: Path, options: tuple[str, ...]) -> Iterator[Victim]:
    """Yield a cluster of two engines, which is stopped in order in the end and leaves nothing."""
    with Victim(tmp_path, 2, options=options) as victim:
        yield victim
        victim.stop()
    assert victim.left() == []


@pytest.fixture
def rc(victim: Victim) -> Iterator[Client]:
    """Yield a client of `victim`."""
    with Client(victim.profile.connection_file("client"), timeout=SECONDS) as client:
        client.wait_for_engines(2, timeout=SECONDS)
        yield client
