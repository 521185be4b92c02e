"""Calls of other clients to which this one is attached: what they write and return arrives here, too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from engineroom.client.state.foreign_ends import outcome_of
from engineroom.client.state.foreign_task import ForeignTask
from engineroom.ids import TaskId, session_of, task_id
from engineroom.protocol.attaching import Attach, Attached, Detach
from engineroom.protocol.history import AskResult, HowItEnded
from engineroom.protocol.messages import Answer, Ask, Display, Message, Outcome, Output, Status
from engineroom.protocol.streams import Payload

if TYPE_CHECKING:
    from engineroom.client.state.engine_table import EngineTable
    from engineroom.errors import EngineroomError

_TRIES = 20
"""A controller that has just started may not know a call yet: so often it is asked again..."""
_AFTER = 0.5
"""... after so many seconds each."""


class OthersCall:
    """One call to which this client is attached. `name`: what the controller calls it."""

    def __init__(self, about: Attached, engines: EngineTable, *, alone: bool) -> None:
        self.name, self.label, self.direct, self.alone = about.call, about.label, about.direct, alone
        self.of_map = about.of_map
        owner, kind = session_of(about.call), -1 if about.kind is None else about.kind
        self.tasks = [
            ForeignTask(
                kind, None, None, 0.0, engine if about.direct else -1, engine, number, whole_id=task_id(owner, number)
            )
            for number, engine in enumerate(about.engines, about.first)
        ]
        for task in self.tasks:
            task.instance = engines.instance(task.engine)
        self.left = len(self.tasks)
        self.tries = 0

    def attach(self, number: int) -> Attach:
        """Return the message that attaches to it, as question `number`."""
        return Attach(number, self.tasks[0].whole_id, self.alone)


class Others:
    """All of these that have not ended here. The session's condition is held, but for `expect`."""

    def __init__(
        self,
        engines: EngineTable,
        send: Callable[[Iterable[Message]], object],
        new_number: Callable[[], int],
    ) -> None:
        """`send`: has messages sent soon; `new_number`: returns the number of a new question."""
        self._engines, self._send, self._new_number = engines, send, new_number
        self.tasks: dict[TaskId, list[tuple[OthersCall, ForeignTask]]] = {}
        """Those that have not ended: one for each time that its call was attached to."""
        self._open: dict[OthersCall, None] = {}
        self._expected: dict[int, bool] = {}
        self._found: dict[int, OthersCall] = {}
        self._asked: dict[int, OthersCall] = {}
        """By the question: calls to which this client attaches again."""
        self._looked_up: dict[int, tuple[TaskId, Outcome | None]] = {}
        """By the question: tasks whose records are looked for, and how they end if there is none; None: not now."""

    def expect(self, message: Attach) -> Attach:
        """Have the call registered when the answer to `message` comes: the rest follows at once. Returns `message`."""
        self._expected[message.number] = message.alone
        return message

    def take(self, number: int) -> OthersCall | None:
        """Return what came in answer to question `number`."""
        self._expected.pop(number, None)
        return self._found.pop(number, None)

    def answered(self, answer: Answer, payload: bytes | Payload) -> None:
        """Take the answer to an Attach, or what a record says; other answers are nothing to us."""
        if answer.number in self._looked_up:
            self._found_record(*self._looked_up.pop(answer.number), answer, payload)
            return
        again = self._asked.pop(answer.number, None)
        if again is not None:
            if answer.error:
                self._not_there(again, answer.error)
            return
        if not isinstance(answer.reply, Attached):
            self._expected.pop(answer.number, None)
            return
        alone = self._expected.pop(answer.number, None)
        if alone is None:  # whoever asked has gone
            self._send([Detach(answer.reply.call)])
            return
        call = self._found[answer.number] = OthersCall(answer.reply, self._engines, alone=alone)
        self._open[call] = None
        for task in call.tasks:
            self.tasks.setdefault(task.whole_id, []).append((call, task))

    def again(self) -> list[Message]:
        """Return what tells a controller to which this client has connected anew what it is attached to."""
        self._asked = {self._new_number(): call for call in self._open}
        attaches = [call.attach(number) for number, call in self._asked.items()]
        return [*attaches, *(Ask(number, AskResult(id_)) for number, (id_, _) in self._looked_up.items())]

    def _not_there(self, call: OthersCall, words: str) -> None:
        """The controller does not know a call: it may have just started, and its client may not be back."""
        call.tries += 1
        over = call.tries >= _TRIES
        if call.tries == 1 or over:  # its client may have fetched all of it meanwhile
            for task in call.tasks:
                self.is_gone(task.whole_id, Outcome(Status.LOST, 0.0, 0.0, words) if over else None)
        if not over:
            asyncio.get_running_loop().call_later(_AFTER, self._ask, call)

    def _ask(self, call: OthersCall) -> None:
        if call in self._open:
            number = self._new_number()
            self._asked[number] = call
            self._send([call.attach(number)])

    def started(self, ids: Iterable[TaskId], engine: int) -> None:
        """These tasks run."""
        for id_ in ids:
            for _, task in self.tasks.get(id_, ()):
                task.engine, task.started = engine, task.started or time.time()
                if task.listener is not None:
                    task.listener._task_started(task)

    def wrote(self, message: Output | Display) -> list[ForeignTask]:
        """A task has written something; return those for whom it is new."""
        return [task for _, task in self.tasks.get(message.task, ()) if task.its_output().add(message)]

    def is_gone(self, id_: TaskId, outcome: Outcome | None) -> None:
        """The controller has nothing of a task any more. If it has a record, that says how the task ended; else it ends
        with `outcome`, if there is one."""
        if id_ in self.tasks:
            number = self._new_number()
            self._looked_up[number] = id_, outcome
            self._send([Ask(number, AskResult(id_))])

    def _found_record(self, id_: TaskId, outcome: Outcome | None, answer: Answer, payload: bytes | Payload) -> None:
        reply = answer.reply
        if isinstance(reply, HowItEnded) and not answer.error:
            self.ended(id_, reply.engine, outcome_of(reply), payload)
        elif outcome is not None:
            self.ended(id_, -1, outcome, b"")

    def ended(self, id_: TaskId, engine: int, outcome: Outcome, payload: bytes | Payload) -> None:
        """A task has ended; no harm if that is known."""
        now = time.time()
        for call, task in self.tasks.pop(id_, ()):
            task.outcome, task.payload, task.received = outcome, payload, now
            if engine >= 0:
                task.engine, task.instance = engine, self._engines.instance(engine)
            self._left(call, task)

    def _left(self, call: OthersCall, task: ForeignTask) -> None:
        task.tell_its_end()
        call.left -= 1
        if not call.left:
            self._open.pop(call, None)
            if all(other.name != call.name for other in self._open):
                self._send([Detach(call.name)])

    def leave(self, call: OthersCall) -> None:
        """Nobody waits for `call`, after all."""
        for task in call.tasks:
            pairs = self.tasks.pop(task.whole_id, [])
            if kept := [pair for pair in pairs if pair[0] is not call]:
                self.tasks[task.whole_id] = kept
        if self._open.pop(call, call) is None and all(other.name != call.name for other in self._open):
            self._send([Detach(call.name)])

    def fail(self, error: EngineroomError) -> None:
        """The session has ended: so have these."""
        tasks, self.tasks = self.tasks, {}
        self._open.clear()
        self._looked_up.clear()
        for pairs in tasks.values():
            for _, task in pairs:
                task.fail(error)
                task.tell_its_end()
