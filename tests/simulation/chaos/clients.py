"""Clients: they keep what they have submitted until its end has come, and say what has arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engineroom.client.connection.acknowledgements import Acknowledgements
from engineroom.core.clients import known_up_to
from engineroom.core.events import ClientGone, ClientUp
from engineroom.ids import INSTANCE_BYTES, NOBODY, SessionId, TaskId, number_of, session_of, task_id
from engineroom.protocol.attaching import Attach
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import (
    Answer,
    Call,
    Ended,
    Kind,
    Options,
    Outcome,
    Result,
    Submit,
    SubmitAgain,
    Sync,
)
from engineroom.protocol.task_ranges import ranges_of
from tests.simulation.chaos.world import Link, Process

if TYPE_CHECKING:
    from tests.simulation.chaos.cluster import Cluster


class Client(Process):
    """One client. `results`: how its tasks ended, and those to which it has attached."""

    def __init__(self, cluster: Cluster, session: SessionId) -> None:
        super().__init__(cluster.world, f"client {session[:2].hex()}")
        self.cluster, self.session = cluster, session
        self.link: Link | None = None
        self.submits: dict[int, Submit] = {}
        """By number: what has not ended."""
        self.last = 0
        self.results: dict[TaskId, Outcome] = {}
        self.attached: dict[TaskId, None] = {}
        self._acknowledgements = Acknowledgements(lambda: min(self.submits, default=self.last + 1))
        self._acknowledging = False
        self.connect()

    def connect(self) -> None:
        controller = self.cluster.controller
        if self.link is not None:
            return
        if controller is None or not controller.alive or controller.stopped:
            self.after(0.2, self.connect)
            return
        self.link, _ = controller.admit(
            self, ClientUp(self.session), self.hear, self.closed, lambda closing: ClientGone()
        )
        known = known_up_to(controller.state, self.session)
        again = {id(submit): submit for number, submit in self.submits.items() if number > known}
        for submit in again.values():
            self.say(self._without_ended(submit))
        for task in self.attached:
            self.say(Attach(1, task))
        failed = [
            number_of(task) for task, its in self.results.items() if its.status and session_of(task) == self.session
        ]
        self.say(Sync(tuple(ranges_of(failed))))
        self._acknowledge_soon()

    def _without_ended(self, submit: Submit) -> Submit:
        """Return what is left of a call for several engines some of whose tasks have ended."""
        if submit.to is None:
            return submit
        first = number_of(submit.task)
        to = [
            submit.to[at : at + INSTANCE_BYTES] if first + at // INSTANCE_BYTES in self.submits else NOBODY
            for at in range(0, len(submit.to), INSTANCE_BYTES)
        ]
        return replace(submit, to=b"".join(to))

    def closed(self, closing: Closing) -> None:
        del closing
        self.link = None
        self.after(self.world.rng.uniform(0.0, 0.3), self.connect)

    def say(self, message: object) -> None:
        if self.link is not None:
            self.link.send(self, message)

    def submit(self, to: bytes | None, options: Options) -> list[TaskId]:
        """Submit a call; return its tasks."""
        first, count = self.last + 1, 1 if to is None else len(to) // INSTANCE_BYTES
        self.last += count
        submit = Submit(task_id(self.session, first), Call(Kind.APPLY, b"f" * 16, b"x"), to, options)
        self.submits.update(dict.fromkeys(range(first, first + count), submit))
        self.say(submit)
        return [task_id(self.session, number) for number in range(first, first + count)]

    def attach(self, tasks: list[TaskId]) -> None:
        """Attach to these tasks of another client."""
        for task in tasks:
            self.attached[task] = None
            self.say(Attach(1, task))

    def hear(self, message: Any) -> None:
        match message:
            case Result():
                self._ended(message.task, message.outcome)
            case Ended():
                for task in message.tasks.tasks():
                    self._ended(task, message.outcome)
            case SubmitAgain():
                for task in message.tasks.tasks():
                    if number_of(task) in self.submits:
                        self.say(self.submits[number_of(task)])
            case Answer(error=error) if error:
                self.cluster.account.refused(self, error)

    def _ended(self, task: TaskId, outcome: Outcome) -> None:
        if session_of(task) != self.session:
            self.results.setdefault(task, outcome)
            self.attached.pop(task, None)
            return
        number = number_of(task)
        if self.submits.pop(number, None) is not None:
            self.results[task] = outcome
        self._acknowledgements.add(number)
        self._acknowledge_soon()

    def _acknowledge_soon(self) -> None:
        if not self._acknowledging:
            self._acknowledging = True
            self.after(0.05, self._acknowledge)

    def _acknowledge(self) -> None:
        self._acknowledging = False
        if self.link is not None and self._acknowledgements:
            for message in self._acknowledgements.take():
                self.say(message)
