"""What liars say, case by case: each is a story with a name, told beside an honest client and an honest engine.

A story need not end in a refusal: much of what can be said is nonsense, and no harm.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from engineroom.ids import SessionId, task_id
from engineroom.protocol.messages import (
    Ran,
    Status,
)
from tests.fuzz.honest import Stage
from tests.fuzz.liar import Liar
from tests.patience import comes_true

Story = Callable[[Stage], Awaitable[None]]

STORIES: dict[str, Story] = {}

MANY = 10_000
OK = Ran(Status.OK, 1.0, 0.0)


def story(told: Story) -> Story:
    """Have a story told, under the words of its name."""
    STORIES[told.__name__.replace("_", " ")] = told
    return told


def own_task(liar: Liar, number: int) -> Any:
    return task_id(SessionId(liar.identity), number)


async def heard_out(stage: Stage, liar: Liar) -> None:
    """Return once `liar` has said all, or was sent away, or is not read for a second; and honest calls went on."""
    liar.connection.flush()
    with contextlib.suppress(AssertionError):
        await comes_true(lambda: not (liar.is_in and liar.connection.transport.get_write_buffer_size()), 1.0)
    await stage.goes_on()


def record(body: bytes, kind: int = 0) -> bytes:
    return struct.pack(">IB", len(body) + 1, kind) + body
