"""What a client knows and wants, shared by user threads and its I/O thread."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from engineroom.client.state.comms import Comms
from engineroom.client.state.engine_table import EngineTable
from engineroom.client.state.failures import Failures
from engineroom.client.state.foreign_ends import ForeignEnds
from engineroom.client.state.item_costs import ItemCosts
from engineroom.client.state.kept import KeptCalls
from engineroom.client.state.leaving import Leaving
from engineroom.client.state.numbers import ChunkSizes
from engineroom.client.state.others import Others
from engineroom.client.state.outgoing import Outgoing
from engineroom.client.state.pins import Pins
from engineroom.client.state.questions import Questions
from engineroom.client.state.recent import Recent
from engineroom.client.state.recorded import RecordedFacts
from engineroom.client.state.room import Room
from engineroom.client.state.scope import Scope
from engineroom.client.state.tasks import Request, Task
from engineroom.client.waiting.waits import CallbackThread
from engineroom.errors import EngineroomError
from engineroom.ids import SessionId
from engineroom.protocol.identities import identity_of, new_secret
from engineroom.protocol.messages import Status
from engineroom.serialize.functions.packing import FunctionPacker, PackedFunction


class State:
    """A client's tasks, engines and questions, and why it can't go on, if it can't.

    `condition` is the only lock; `lock` is the same one, held in fewer steps. It is held while tasks start and end,
    engines join and leave, futures settle, and while the session fails; it is notified afterwards if a thread is
    waiting. Whoever holds it must not wait for anything else. Three things need no lock: `outgoing`, through which
    tasks enter (its file says why); `questions` and `scope`, whose entries have one writer each; and reading
    `engines`, whose lists are replaced as a whole.

    `failure`: None, or the error that ended the session. `scope`: takes note of the calls that are submitted, if set.
    """

    outgoing_kind: ClassVar[type[Outgoing]] = Outgoing

    def __init__(
        self, wake: Callable[[], object], *, max_unfinished_bytes: int, advise: Callable[[str], str] = str
    ) -> None:
        """`wake`: has the I/O thread send soon; `advise`: makes the commands in a message act on this cluster."""
        self.secret = new_secret()
        self.id = SessionId(identity_of(self.secret))
        self.lock: AbstractContextManager[Any] = threading.RLock()
        self.condition = threading.Condition(self.lock)
        self.engines = EngineTable(advise)
        self.packer = FunctionPacker()
        self.kept = KeptCalls(self.engines)
        self.outgoing = self.outgoing_kind(wake)
        self.tasks = self.outgoing.tasks
        self.recent = Recent(self.id)
        self.recorded = RecordedFacts()
        self.pins = Pins()
        self.published: dict[bytes, None] = {}
        """The published values that were sent and are needed still."""
        self.leaving = Leaving(self.engines)
        self.questions = Questions()
        self.foreign = ForeignEnds()
        self.others = Others(self.engines, lambda messages: self.outgoing.send(tuple(messages)), self.questions.number)
        self.callbacks = CallbackThread("engineroom-callbacks")
        self.comms = Comms(self.callbacks)
        self.failure: EngineroomError | None = None
        self.chunk_sizes = ChunkSizes()
        self.item_costs = ItemCosts()
        self.cell_numbers = itertools.count(1)
        self.scope: Scope | None = None
        self.shows = 0
        """What its client shows of what tasks write when their results are read: see `showing.at_waits.Shows`."""
        self.is_kept = False
        """Whether the controller records tasks in a store that survives it."""
        self.failures = Failures()
        self.withdraw_at_end = False
        """Whether its unfinished tasks end with it."""
        self.room = Room(max_unfinished_bytes, lambda: self.outgoing.submitted_bytes)
        self.load: Any = None
        """What the controller said last about the engines' queues, for tables: an `engines.pictured.Load`."""
        self._observers = 0

    @property
    def last_number(self) -> int:
        """The number of the task that was submitted last."""
        return self.outgoing.last_number

    @property
    def closed(self) -> bool:
        """Whether the session has ended."""
        return self.failure is not None

    def check(self) -> None:
        """Raise the error that ended the session, if it has ended."""
        if self.failure is not None:
            raise type(self.failure)(*self.failure.args)

    def somebody_waits(self) -> bool:
        """Whether calls or questions are open."""
        return bool(self.tasks) or self.questions.are_open or bool(self.foreign) or bool(self.others.tasks)

    def functions(self) -> dict[bytes, PackedFunction]:
        """Return the functions that unfinished tasks, kept calls and those to be made again name, by their hashes."""
        requests = [task.request for task in tuple(self.tasks.values())] + list(self.pins.made_again.values())
        named = [request.function for request in requests if request is not None]
        found = {function.hash: function for function in named if function is not None}
        return found | {function.hash: function for function in self.kept.functions()}

    def submit_again(self, numbers: Iterable[int]) -> None:
        """Send once more the calls of these tasks, whose payloads did not arrive; they are the same tasks as before."""
        requests = [self.pins.made_again.get(n) or getattr(self.tasks.get(n), "request", None) for n in numbers]
        self.outgoing.send_again(dict.fromkeys(filter(None, requests)))

    def release(self, request: Request) -> None:
        """One task of `request` has ended; with the last one its memory is free. In the I/O thread."""
        request.open -= 1
        if request.open == 0:
            self.room.release(request.held)

    def inputs_ended(self, task: Task) -> None:
        """A task has ended that needed results of others, or others need its result. The condition is held."""
        if task.outcome is not None and not task.outcome.status and task.payload is not None:
            self.pins.is_here(task.number, task.payload)
        if task.outcome is not None and task.outcome.status == Status.DEPENDENCY:
            task.cause = self.pins.first_failed(task.inputs)
        self.pins.release(task.inputs)
        task.inputs = ()

    def let_go(self, numbers: Iterable[int]) -> None:
        """Do not need the results of these tasks after all."""
        with self.condition:
            self.pins.release(numbers)

    def fail(self, error: EngineroomError) -> None:
        """End the session: every task that waits fails with `error`, and so does every later call."""
        with self.condition:
            if self.failure is None:
                self.failure = error
            self.pins.clear()
            for task in self.outgoing.empty():
                task.inputs = ()
                task.fail(error)
                task.tell_its_end()
            self.foreign.fail(error)
            self.others.fail(error)
            self.questions.fail()
            self.room.tell()
            self.changed()

    def distinct(self, task: Task, content: dict[str, Any]) -> dict[str, Any]:
        """Return what a task displays as a notebook is to have it: with ids that no other engine has; see Comms."""
        return self.comms.shown(content, task.instance or self.engines.instance(task.engine) or -1)

    def pass_on_comms(self) -> None:
        """Return when what widgets of engines have said so far is where they are shown."""
        self.comms.pass_on()

    def changed(self) -> None:
        """Make waiting threads check again. The condition is held."""
        if self._observers:
            self.condition.notify_all()

    def wait_for_change(self, condition: Callable[[], object], seconds: float) -> bool:
        """Return whether `condition()` came true within `seconds`, or the session failed; asked at each change."""
        with self.condition:
            self._observers += 1
            try:
                return bool(self.condition.wait_for(lambda: self.failure is not None or condition(), seconds))
            finally:
                self._observers -= 1
