"""A client of a controller that lives in its own loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engineroom.client import client as client_module
from engineroom.client.client import Client
from tests.unit.client.fake_controller import FakeController


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeController:
    """Return the controller that the next `Client()` connects to."""
    controller = FakeController()
    monkeypatch.setattr(client_module, "find_dial", lambda *_, **__: controller)
    return controller


@pytest.fixture
def rc(fake: FakeController) -> Iterator[Client]:
    del fake
    with Client() as client:
        yield client
