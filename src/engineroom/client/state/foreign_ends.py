"""Tasks of other clients, and old ones of this client, whose ends the controller was asked for; it tells of each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engineroom.client.state.foreign_task import ForeignTask
from engineroom.errors import EngineroomError
from engineroom.ids import Instance, TaskId
from engineroom.protocol.history import AskResult, HowItEnded
from engineroom.protocol.messages import Answer, Ask, Display, Outcome, Output

if TYPE_CHECKING:
    from engineroom.protocol.streams import Payload


class FoundTask(ForeignTask):
    """A task whose end the controller tells. `host`: where it ran.

    `first`, `last`: the numbers of the tasks of its call, once it has ended; 0: unknown. `of_map`: they are of the map
    that it is a part of.
    """

    label: str = ""
    host: str = ""
    first: int = 0
    last: int = 0
    of_map: bool = False


class ForeignEnds:
    """The tasks whose ends are not known yet. The session's condition is held for all this."""

    def __init__(self) -> None:
        self._open: dict[int, FoundTask] = {}
        self._by_id: dict[TaskId, list[FoundTask]] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    def add(self, number: int, task: FoundTask) -> Ask:
        """Wait for the end of `task`; return what is to be asked."""
        self._open[number] = task
        self._by_id.setdefault(task.whole_id, []).append(task)
        return Ask(number, AskResult(task.whole_id))

    def again(self) -> list[Ask]:
        """Return what is to be asked of a controller that this client has just reconnected to."""
        return [Ask(number, AskResult(task.whole_id)) for number, task in self._open.items()]

    def wrote(self, message: Output | Display) -> None:
        """Take what one of these tasks wrote."""
        for task in self._by_id.get(message.task, ()):
            task.its_output().add(message)

    def answered(self, answer: Answer, payload: bytes | Payload) -> bool:
        """End the task that the controller tells of; False: the answer is about something else."""
        task = self._open.pop(answer.number, None)
        if task is None:
            return False
        self._forget(task)
        reply = answer.reply
        if answer.error or not isinstance(reply, HowItEnded):
            task.fail(EngineroomError(answer.error or "the controller has no answer"))
        else:
            _end(task, reply, payload)
        task.tell_its_end()
        return True

    def drop(self, task: FoundTask) -> None:
        """Nobody wants to know any more how this task ends."""
        for number in [number for number, each in self._open.items() if each is task]:
            del self._open[number]
            self._forget(task)

    def fail(self, error: BaseException) -> None:
        """Nothing will be heard any more."""
        tasks, self._open = list(self._open.values()), {}
        self._by_id.clear()
        for task in tasks:
            task.fail(error)
            task.tell_its_end()

    def _forget(self, task: FoundTask) -> None:
        left = [each for each in self._by_id.pop(task.whole_id, ()) if each is not task]
        if left:
            self._by_id[task.whole_id] = left


def outcome_of(reply: HowItEnded) -> Outcome:
    """Return how a task ended, as its record has it."""
    return Outcome(reply.status, reply.started, reply.seconds, reply.error, reply.shadowed)


def _end(task: FoundTask, reply: HowItEnded, payload: bytes | Payload) -> None:
    task.outcome = outcome_of(reply)
    task.payload, task.received = payload, time.time()
    task.kind, task.label, task.host = reply.kind, reply.label, reply.host
    task.engine, task.submitted = reply.engine, reply.submitted
    task.first, task.last, task.of_map = reply.first, reply.last, reply.of_map
    task.instance = Instance(reply.instance) if reply.instance else None
