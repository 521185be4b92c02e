"""How much memory engines take: those of this machine are looked at, the others asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engineroom.client.waiting.waits import FOR_EVER, Deadline, every
from engineroom.errors import EngineroomError
from engineroom.protocol.messages import Ask
from engineroom.protocol.questions import AskNames, NamesThere

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session

_NO_NAME = "0"
"""No name begins so: the answer is about the memory alone."""


def memory_of(session: Session, engines: Sequence[int], deadline: Deadline) -> dict[int, int]:
    """Return the bytes that the processes of these engines take, as far as they say so in time."""
    here = session.engines.processes_here()
    found = {engine: _resident(here[engine]) for engine in engines if engine in here}
    far = [engine for engine in engines if engine not in here]
    if far and not session.closed:
        found |= _told(session, far, deadline)
    return {engine: size for engine, size in found.items() if size}


def _resident(pid: int) -> int:
    import psutil  # only those who look need it

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _told(session: Session, engines: Sequence[int], deadline: Deadline) -> dict[int, int]:
    """Return what these engines say, which are asked all at once."""
    questions = session.questions
    asked = {engine: questions.new() for engine in engines}
    found: dict[int, int] = {}
    try:
        session.check_may_wait()
        for engine, (number, _) in asked.items():
            question = Ask(number, AskNames(engine, _NO_NAME))
            session.send(questions.asks(number, question, "how much memory an engine takes"))
        for engine, (number, waiter) in asked.items():
            answer = (
                questions.answer(number) if session.wait_for(waiter, deadline.left(), every(FOR_EVER, int)) else None
            )
            if answer is not None and isinstance(answer.reply, NamesThere):
                found[engine] = answer.reply.memory
    except (EngineroomError, RuntimeError):  # the controller is away, or this thread must not wait
        pass
    finally:
        for number, _ in asked.values():
            questions.forget(number)
    return found
