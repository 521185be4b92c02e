"""What a task that runs in this process needs so that it can submit tasks itself: an engine provides it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from engineroom.ids import TaskId
from engineroom.protocol.messages import Join, Welcome
from engineroom.transport.connection import Connection


class Within(Protocol):
    """An engine, as the calls of its tasks see it."""

    async def dial(self, join: Join, seconds: float) -> tuple[Connection, Welcome]:
        """Return a connection to the controller, not yet started, over which tasks speak."""

    def task(self) -> TaskId:
        """Return the task that this code belongs to. RuntimeError: it belongs to none, or that has ended."""

    def serves(self) -> bool:
        """Whether this thread runs the task, so that it can run others while that waits."""

    def serve(self, done: Callable[[], object], seconds: float) -> bool:
        """Run what descends from the task until `done()`; False after `seconds`. `poke` has it look again."""

    def serving_in_loop(self) -> AbstractContextManager[object]:
        """Return a context in which the event loop that runs here runs what descends from the task."""

    def poke(self) -> None:
        """Something has happened for which `done` may be waiting. From any thread."""


class Here:
    """`engine`: None in a process that is no engine."""

    __slots__ = ("engine",)

    def __init__(self) -> None:
        self.engine: Within | None = None


here = Here()
