"""The session of the tasks of an engine, which submit tasks: whoever waits in a task runs others meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from engineroom.client.connection.leading import Plain
from engineroom.client.connection.session import Session
from engineroom.client.state.outgoing import Outgoing
from engineroom.client.state.tasks import Request, Task
from engineroom.client.waiting.waits import Looks, Waiter, in_slices, unheld
from engineroom.protocol.messages import Join, Welcome
from engineroom.transport.connection import Connection
from engineroom.transport.within import Within, here


class ThroughEngine:
    """Dials as the tasks of an engine do."""

    def __init__(self, engine: Within) -> None:
        self._engine = engine

    async def __call__(self, join: Join, seconds: float) -> tuple[Connection, Welcome]:
        return await self._engine.dial(join, seconds)

    async def wait(self, seconds: float) -> None:
        """There is nothing to wait for."""

    def over(self) -> str:
        """Nothing is certain: a task ends with its engine."""
        return ""

    def close(self) -> None:
        """There is nothing of its own to release."""


class _OfTasks(Outgoing):
    """Each call says which task makes it."""

    def enter(self, request: Request, tasks: list[Task]) -> bool:
        assert here.engine is not None
        request.within = here.engine.task()
        return super().enter(request, tasks)


class TaskSession(Session):
    """One for all tasks of an engine. Its calls belong to the task that makes them, and end with it."""

    outgoing_kind = _OfTasks

    def __init__(self, engine: Within) -> None:
        super().__init__(ThroughEngine(engine))
        self._engine = engine

    def check(self) -> None:
        """Raise the error that ended the session, if it has ended. RuntimeError: the task has."""
        super().check()
        self._engine.task()

    def changed(self) -> None:
        """Make waiting threads check again, and the main thread, which may run other tasks."""
        super().changed()
        self._engine.poke()

    def awaiting(self) -> AbstractContextManager[object]:
        """Return a context in which a coroutine waits for results; its loop runs other tasks meanwhile."""
        return self._engine.serving_in_loop() if self._engine.serves() else super().awaiting()

    def wait_for(self, waiter: Waiter, timeout: float | None, looks: Looks, of: Plain | None = None) -> bool:
        """Return whether `waiter` was woken in time, as `Session` does; other tasks run meanwhile."""
        if not self._engine.serves():
            return super().wait_for(waiter, timeout, looks, of)
        with unheld(self.condition):
            return in_slices(lambda seconds: self._serve(lambda: waiter.wait(0), seconds), timeout, looks)

    def wait_for_change(self, condition: Callable[[], object], seconds: float) -> bool:
        """Return whether `condition()` came true within `seconds`, as `State` does; other tasks run meanwhile."""
        if not self._engine.serves():
            return super().wait_for_change(condition, seconds)

        def met() -> bool:
            with self.condition:
                return self.failure is not None or bool(condition())

        with unheld(self.condition):
            return self._serve(met, seconds)

    def _serve(self, done: Callable[[], object], seconds: float) -> bool:
        return self._engine.serve(done, seconds)
