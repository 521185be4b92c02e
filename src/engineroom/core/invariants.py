"""What must hold after every event."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the state calls this
    from engineroom.core.state import ControllerState


def check(state: ControllerState) -> None:
    """Assert it. O(everything): for tests."""
