"""Answers to questions about the state, as JSON."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable

from engineroom.controller.config import ControllerConfig
from engineroom.controller.steps import known_steps
from engineroom.core import explain
from engineroom.core.bounds import binding
from engineroom.core.state import ControllerState
from engineroom.errors import ProtocolError
from engineroom.protocol.messages import Answer, Ask
from engineroom.protocol.texts import brief
from engineroom.transport.connection import Connection

_LONGEST = 2**20 - 1024
"""Characters of an answer, all of them ASCII, so that it fits a record."""

MOST_QUESTIONS = 10_000
"""So many questions of one client may be open: each of its threads has one."""


def answer(ask: Ask, state: ControllerState, config: ControllerConfig) -> Answer:
    """Return the answer: the data, or an error in words."""
    match ask.what:
        case "queue_status":
            data: object = (explain.queue_ids if ask.about == "verbose" else explain.queue_status)(state)
        case "explain":
            data = explain.explain(state, ask.about)
        case "bounds":
            data = binding(state)
        case "steps":
            data = known_steps(config)
        case _:
            return Answer(ask.number, error=f"this controller does not support the request {brief(ask.what, 200)!r}")
    text = json.dumps(data, default=str)
    if len(text) > _LONGEST:
        return Answer(
            ask.number,
            error=f"the answer has {len(text)} characters, and the limit is {_LONGEST}; ask about one task or engine",
        )
    return Answer(ask.number, data=text)


class Questions:
    """The questions of one client, answered one at a time: whoever asks much does not keep the others waiting."""

    def __init__(self, connection: Connection, answered: Callable[[Ask], Answer]) -> None:
        self._connection, self._answered = connection, answered
        self._open: deque[Ask] = deque()

    def take(self, ask: Ask) -> None:
        """Have `ask` answered soon. ProtocolError: there are too many that are not."""
        if len(self._open) >= MOST_QUESTIONS:
            raise ProtocolError(f"more than {MOST_QUESTIONS} questions wait for their answers")
        self._open.append(ask)
        if len(self._open) == 1:
            self._soon()

    def _soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._answer_one)

    def _answer_one(self) -> None:
        ask = self._open.popleft()
        if not self._connection.closed:
            self._connection.send(self._answered(ask))
        if self._open:
            self._soon()
