"""A client of a controller that lives in its own loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engineroom.client.client import Client, client_of
from engineroom.client.connection.session import Session
from tests.unit.client.fake_controller import FakeController, started


@pytest.fixture
def fake() -> FakeController:
    """Return the controller that `session` and `rc` are connected to."""
    return FakeController()


@pytest.fixture
def session(fake: FakeController) -> Session:
    """Return the session of `rc`, which closes it."""
    return started(fake)


@pytest.fixture
def rc(session: Session) -> Iterator[Client]:
    with client_of(session) as client:
        yield client
