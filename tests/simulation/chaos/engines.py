"""Engines: their queue is the arbiter, results are kept until they are acknowledged, and connections made again."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from engineroom.core.events import EngineClosed, EngineUp
from engineroom.engine.held import held_pieces
from engineroom.ids import Instance, TaskId, number_of
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import (
    AlreadyStarted,
    Delivered,
    Finished,
    Output,
    Ran,
    Refused,
    Revoke,
    Revoked,
    Run,
    Shutdown,
    Started,
    Status,
    Withdraw,
    Withdrawn,
)
from engineroom.protocol.task_ranges import attempt_ranges, attempts_in, numbers_in
from tests.simulation.chaos.world import Link, Process

if TYPE_CHECKING:
    from tests.simulation.chaos.cluster import Cluster

RECONNECT = 60.0


class Engine(Process):
    """One life of an engine."""

    def __init__(self, cluster: Cluster, instance: Instance, host: bytes, wanted_id: int | None) -> None:
        super().__init__(cluster.world, f"engine {instance[:2].hex()}")
        self.cluster, self.instance, self.host, self.wanted_id = cluster, instance, host, wanted_id
        cluster.started[instance] = self
        self.id, self.joined = -1, False
        self.link: Link | None = None
        self.peer = 0
        self.queue: list[Run] = []
        self.running: Run | None = None
        self.unacknowledged: dict[int, Finished] = {}
        self._numbers = count(1)
        self._since = 0.0
        self.after(0.0, self.connect)

    def connect(self) -> None:
        """Connect to the controller that lives; else try again."""
        controller = self.cluster.controller
        if self.link is not None:
            return
        if controller is None or not controller.alive or controller.stopped or self.cluster.unreachable(self):
            if self.world.now - self._since > RECONNECT:
                self.cluster.exits(self, "exit code 1")
            else:
                self.after(self.world.rng.uniform(0.05, 0.5), self.connect)
            return
        pid = 1 if self.host else 0
        up = EngineUp(
            self.instance, wanted_id=self.wanted_id, or_another=True, host=self.host, spawned=bool(self.host), pid=pid
        )
        self.link, self.peer = controller.admit(self, up, self.hear, self.closed, EngineClosed)
        self.cluster.engine_peers[self.peer] = self
        known = controller.state.instances.get(self.instance)
        if known is None:
            self.cluster.exits(self, "exit code 1")  # refused: its last life is only away, as far as is known
            return
        self.id = self.wanted_id = known.id
        if not self.joined:
            self.joined = True
            self.cluster.has_joined(self)
        self._tell_what_it_holds()

    def _tell_what_it_holds(self) -> None:
        running = [] if self.running is None else [(self.running.task, self.running.attempt)]
        queued = [(run.task, run.attempt) for run in self.queue]
        finished = [(done.task, done.attempt) for done in self.unacknowledged.values()]
        for piece in held_pieces(running, queued, finished, most=2):
            self.say(piece)
        for done in list(self.unacknowledged.values()):
            self.say(done)
        self._start()

    def say(self, message: object) -> None:
        if self.link is not None:
            self.link.send(self, message)

    def closed(self, closing: Closing) -> None:
        del closing
        self.link, self._since = None, self.world.now
        self.after(self.world.rng.uniform(0.0, 0.3), self.connect)

    def hear(self, message: Any) -> None:
        match message:
            case Run():
                self._take(message)
            case Revoke(task=task, attempt=attempt):
                self._revoke(task, attempt)
            case Withdraw(attempts=attempts):
                gone = [(id_, n) for id_, n in attempts_in(attempts) if self._forget(id_, n)]
                if gone:
                    self.say(Withdrawn(tuple(attempt_ranges(gone))))
            case Delivered(up_to=up_to, also=also):
                over = {number for number in self.unacknowledged if number <= up_to}
                for number in over.union(numbers_in(also)):
                    self.unacknowledged.pop(number, None)
            case Shutdown() | Refused():
                self.cluster.exits(self, "exit code 0")

    def _take(self, run: Run) -> None:
        key = (run.task, run.attempt)
        known = [*self.queue, *filter(None, [self.running])]
        if all((its.task, its.attempt) != key for its in known) and all(
            (done.task, done.attempt) != key for done in self.unacknowledged.values()
        ):
            place = sum(its.direct for its in self.queue) if run.direct else len(self.queue)
            self.queue.insert(place, run)
            self._start()

    def _revoke(self, task: TaskId, attempt: int) -> None:
        if self._forget(task, attempt):
            self.say(Revoked(task, attempt))
        elif self.running is not None and (self.running.task, self.running.attempt) == (task, attempt):
            self.say(AlreadyStarted(task, attempt))

    def _forget(self, task: TaskId, attempt: int) -> bool:
        before = len(self.queue)
        self.queue = [run for run in self.queue if (run.task, run.attempt) != (task, attempt)]
        return len(self.queue) < before

    def _start(self) -> None:
        if self.running is not None or not self.queue:
            return
        if self.queue[0].announce and self.link is None:
            return
        run = self.running = self.queue.pop(0)
        self.cluster.account.started(self, run)
        seconds = self.cluster.seconds_of(run.task)
        if run.announce or seconds > 0.5:
            self.say(Started(run.task, run.attempt))
        if self.cluster.is_deadly(run.task):
            self.after(seconds / 2, lambda: self.cluster.ends_itself(self, run))
        for seq in range(number_of(run.task) % 3):
            self.after(seconds * seq / 3, lambda seq=seq: self._write(run, seq))
        self.after(seconds, lambda: self._end(run))

    def _write(self, run: Run, seq: int) -> None:
        if self.running is run:
            self.say(Output(run.task, run.attempt, 1, seq, f"{seq} "))

    def _end(self, run: Run) -> None:
        if self.running is not run:
            return
        self.running = None
        number = next(self._numbers)
        outcome = Ran(Status.OK, self.world.now, self.cluster.seconds_of(run.task))
        done = Finished(number, run.task, run.attempt, outcome, run.task + self.instance)
        self.unacknowledged[number] = done
        self.say(done)
        self._start()
