"""The account that is kept of a story, and what must be true of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from engineroom.core.sessions import Session
from engineroom.ids import SessionId, TaskId, task_id
from engineroom.protocol.messages import Delivered, Outcome, Run, Status
from engineroom.protocol.task_ranges import numbers_in

if TYPE_CHECKING:
    from tests.simulation.chaos.clients import Client
    from tests.simulation.chaos.cluster import Cluster
    from tests.simulation.chaos.engines import Engine


class Account:
    """What was started where, what was delivered, and who died of what."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.over: set[TaskId] = set()
        """What the controller knows to be with its client for good."""
        self.starts: Counter[TaskId] = Counter()
        self.deaths: Counter[TaskId] = Counter()
        """How many engines died, or were taken for dead, while they had a task."""
        self.refusals: list[str] = []

    def sent(self, run: Run) -> None:
        assert run.task not in self.over, f"{shown(run.task)} is sent to an engine though its client has its result"

    def started(self, engine: Engine, run: Run) -> None:
        self.starts[run.task] += 1
        self.cluster.world.note(f"{engine.name} starts {shown(run.task)}, attempt {run.attempt}")

    def delivered(self, session: Session | None, message: Delivered) -> None:
        """The controller hears what has arrived at a client."""
        if session is None:
            return
        up_to = min(message.up_to, session.known_up_to)
        numbers = [*range(1, up_to + 1), *numbers_in(message.also)]
        self.over.update(task_id(SessionId(session.id), number) for number in numbers)

    def died(self, engine: Engine) -> None:
        for run in filter(None, [engine.running, *engine.queue]):
            self.deaths[run.task] += 1

    def refused(self, client: Client, error: str) -> None:
        self.refusals.append(error)
        client.attached.clear()

    def check_end(self, task: TaskId, outcome: Outcome | None, *, direct: bool) -> None:
        """Assert that `task` has ended as it may."""
        assert outcome is not None, f"{shown(task)} has no end"
        if outcome.status == Status.OK:
            assert self.starts[task]
            return
        assert outcome.status == Status.LOST, f"{shown(task)} ended as {outcome}"
        assert outcome.error, f"{shown(task)} ended without a reason"
        enough = direct or self.cluster.is_deadly(task) or self.deaths[task] >= 3
        assert enough, f"{shown(task)} was given up too early: {outcome.error}"


def shown(task: TaskId) -> str:
    return f"task {task[:1].hex()}:{int.from_bytes(task[16:])}"
