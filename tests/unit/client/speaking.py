"""Calls that the test ends, and that write what the test says."""

from __future__ import annotations

import json
from typing import Any

from engineroom.client.client import Client
from engineroom.client.connection.session import Session
from engineroom.client.results.async_result import AsyncResult
from engineroom.protocol.messages import Display, Displays, Output
from tests.conftest import wait_until
from tests.unit.client.fake_controller import FakeController


class Speaking:
    """Calls on two engines that were submitted and have not ended; what they write is said by the test."""

    def __init__(self, fake: FakeController, rc: Client, session: Session, code: str | None = None) -> None:
        """`code`: they run this cell."""
        fake.holding = True
        self.fake, self.session = fake, session
        self.result: AsyncResult[Any] = rc[:].apply_async(str, 1) if code is None else rc[:].execute(code)
        self.tasks = list(self.result._tasks)
        assert wait_until(lambda: fake._whole() == 1)
        self.seq = [0, 0]
        self.attempt = 1

    def text(self, which: int, text: str, stream: int = 1) -> None:
        self.say(Output(self.tasks[which].id(self.session.id), self.attempt, stream, self._next(which), text))

    def show(self, which: int, kind: Displays, **content: Any) -> None:
        task = self.tasks[which].id(self.session.id)
        self.say(Display(task, self.attempt, kind, self._next(which), json.dumps(content).encode()))

    def say(self, message: object) -> None:
        self.fake.do(self.fake.send, message)

    def end(self) -> None:
        self.fake.do(self.fake.go_on)

    def has_heard(self, which: int, text: str) -> None:
        output = self.tasks[which].output
        assert wait_until(
            lambda: (self.tasks[which].output or output) is not None and text in self.result.stdout[which]
        )

    def _next(self, which: int) -> int:
        self.seq[which] += 1
        return self.seq[which] - 1
