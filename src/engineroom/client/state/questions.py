"""Requests that the controller answers one by one."""

from __future__ import annotations

import itertools
from collections.abc import Container

from engineroom.client.waiting.waits import Waiter
from engineroom.protocol.messages import Answer, Ask, Attach, Message
from engineroom.protocol.streams import Payload


class Questions:
    """Those that are open: who waits, and what came."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Waiter] = {}
        self._answers: dict[int, Answer] = {}
        self._bodies: dict[int, bytes | Payload] = {}
        self._asked: dict[int, tuple[Message, str]] = {}

    @property
    def are_open(self) -> bool:
        return bool(self._waiting)

    def new(self) -> tuple[int, Waiter]:
        """Return a number for a new question, and who will be woken by its answer."""
        number, waiter = self.number(), Waiter()
        self._waiting[number] = waiter
        return number, waiter

    def number(self) -> int:
        """Return a number for a question that nobody here waits for."""
        return next(self._numbers)

    def asks(self, number: int, message: Message, what: str) -> Message:
        """Return `message`, which is about to ask a question; `what` names that in words."""
        self._asked[number] = message, what
        return message

    def again(self, unsent: Container[int]) -> list[Message]:
        """Return what is to be said again after a connection was lost, but not those that wait to be sent anyway.

        What must not be done twice is answered instead: nobody knows whether it was done.
        """
        lost = {number: asked for number, asked in tuple(self._asked.items()) if number not in unsent}
        open_ = {number: asked for number, asked in lost.items() if number not in self._answers}
        for number, (message, what) in open_.items():
            if not isinstance(message, Ask | Attach):
                error = f"the connection to the controller was lost before it said {what}: look, and then try again"
                self.answered(Answer(number, error=error))
        return [message for message, _ in open_.values() if isinstance(message, Ask | Attach)]

    def answered(self, answer: Answer, body: bytes | Payload = b"") -> bool:
        """Take an answer; return whether somebody waits for it."""
        waiter = self._waiting.get(answer.number)
        if waiter is not None:
            self._bodies[answer.number] = body
            self._answers[answer.number] = answer
            waiter.wake()
        return waiter is not None

    def answer(self, number: int) -> Answer | None:
        """Return the answer; None: there will be none."""
        return self._answers.get(number)

    def body(self, number: int) -> bytes | Payload:
        """Return what came with the answer."""
        return self._bodies.get(number, b"")

    def forget(self, number: int) -> None:
        self._asked.pop(number, None)
        self._bodies.pop(number, None)
        self._waiting.pop(number, None)
        self._answers.pop(number, None)

    def fail(self) -> None:
        """No more answers will come."""
        for waiter in tuple(self._waiting.values()):
            waiter.wake()
