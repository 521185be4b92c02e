"""Answers to questions about the state."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from engineroom.controller.config import ControllerConfig
from engineroom.controller.links import Links
from engineroom.controller.shared_memory import troubles, way_of_data
from engineroom.controller.steps import known_steps
from engineroom.core import explain
from engineroom.core.attaching import sessions
from engineroom.core.bounds import binding
from engineroom.core.presence.telling import silent_hosts
from engineroom.core.state import ControllerState
from engineroom.errors import ProtocolError
from engineroom.protocol.attaching import AskSessions
from engineroom.protocol.messages import Answer, Ask
from engineroom.protocol.questions import (
    MOST_BOUNDS,
    AboutEngine,
    AskBounds,
    AskEngine,
    AskNames,
    AskQueues,
    AskSteps,
    AskTask,
    Bounds,
    NamesThere,
    Reply,
)
from engineroom.protocol.texts import brief
from engineroom.transport.connection import Connection

MOST_QUESTIONS = 10_000
"""So many questions of one client may be open: each of its threads has one."""


def answer(
    ask: Ask, state: ControllerState, config: ControllerConfig, links: Links, trouble: Callable[[], str] = str
) -> Answer:
    """Return the answer to `ask`. `trouble()`: what is wrong with the store of tasks, "" if nothing is."""
    question = ask.question
    match question:
        case AskQueues(verbose=verbose):
            reply: Reply = explain.queues(state, verbose=verbose)
        case AskTask(task=task):
            reply = explain.explain_task(state, task)
        case AskEngine(engine=engine):
            reply = _about_engine(state, links, engine, config)
        case AskBounds():
            silent = silent_hosts(state)[: explain.MOST_HOSTS]
            words = [*filter(None, [trouble()]), *binding(state), *troubles(links)][:MOST_BOUNDS]
            reply = Bounds(tuple(map(brief, words)), tuple(silent))
        case AskSessions():
            reply = sessions(state)
        case AskSteps():
            reply = known_steps(config)
        case AskNames():
            reply = NamesThere()  # which only an engine knows; see `names.NameQuestions`
        case _:
            raise AssertionError("questions about records are answered by `recording.history`")
    return Answer(ask.number, reply)


def _about_engine(state: ControllerState, links: Links, engine: int, config: ControllerConfig) -> AboutEngine:
    found, link = explain.explain_engine(state, engine), links.engines.get(engine)
    if link is None:
        return found
    return replace(found, data=brief(way_of_data(link, config.shared_bytes_of("engine"))))


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
