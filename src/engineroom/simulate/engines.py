"""A pretend engine: runs what it is sent, one at a time, for as long as the tasks are said to take."""

from __future__ import annotations

from collections import deque

from engineroom.ids import Instance, Peer, TaskId
from engineroom.protocol.messages import Delivered, Finished, Held, Message, Run
from engineroom.protocol.task_ranges import attempt_ranges, numbers_in


class PretendEngine:
    """`queue`: what it has not started, in order of arrival. A revoked attempt is skipped when its turn comes.

    `peer`: the number of its connection, or of the last one while it is not `connected`. `stopped`: it does nothing,
    and keeps what it is sent in `inbox`; `overdue`: what it runs would have ended meanwhile.
    """

    __slots__ = (
        "alive",
        "busy",
        "connected",
        "finished",
        "host",
        "inbox",
        "instance",
        "overdue",
        "peer",
        "queue",
        "queued",
        "running",
        "stopped",
        "unacknowledged",
    )

    def __init__(self, peer: Peer, instance: Instance, host: bytes = b"") -> None:
        self.peer = peer
        self.instance = instance
        self.host = host
        self.alive = self.connected = True
        self.stopped = self.overdue = False
        self.inbox: list[Message] = []
        self.unacknowledged: dict[int, Finished] = {}
        self.queue: deque[Run] = deque()
        self.queued: set[tuple[TaskId, int]] = set()
        self.running: Run | None = None
        self.finished = 0
        """How many results it has sent: the number of the last."""
        self.busy = 0.0
        """Seconds that it has spent on tasks."""

    def add(self, run: Run) -> None:
        self.queue.append(run)
        self.queued.add((run.task, run.attempt))

    def revoke(self, task: TaskId, attempt: int) -> bool:
        """Give an attempt back; False if it has started."""
        if (task, attempt) in self.queued:
            self.queued.remove((task, attempt))
            return True
        return False

    def holds(self, task: TaskId) -> bool:
        """Whether it has an attempt of this task, or is about to be told that it has."""
        running = self.running is not None and self.running.task == task
        return running or bool(self.inbox) or any(run.task == task for run in self.queue)

    def has(self) -> Held:
        """Return what it says that it has when it connects again."""
        running = [] if self.running is None else [(self.running.task, self.running.attempt)]
        queued = [(run.task, run.attempt) for run in self.queue if (run.task, run.attempt) in self.queued]
        finished = [(message.task, message.attempt) for message in self.unacknowledged.values()]
        told = [tuple(attempt_ranges(attempts)) for attempts in (running, queued, finished)]
        return Held(told[0], told[1], told[2])

    def forget(self, message: Delivered) -> None:
        """Forget results that are where they should be."""
        over = {number for number in self.unacknowledged if number <= message.up_to}
        for number in over.union(numbers_in(message.also)):
            self.unacknowledged.pop(number, None)

    def start(self) -> Run | None:
        """Start the next attempt, if nothing runs; return it."""
        while self.running is None and self.queue:
            run = self.queue.popleft()
            if (run.task, run.attempt) in self.queued:
                self.queued.remove((run.task, run.attempt))
                self.running = run
                return run
        return None
