"""A pretend engine: runs what it is sent, one at a time, for as long as the tasks are said to take."""

from __future__ import annotations

from collections import deque

from engineroom.ids import Instance, Peer, TaskId
from engineroom.protocol.messages import Run


class PretendEngine:
    """`queue`: what it has not started, in order of arrival. A revoked attempt is skipped when its turn comes."""

    __slots__ = ("alive", "busy", "finished", "instance", "peer", "queue", "queued", "running")

    def __init__(self, peer: Peer, instance: Instance) -> None:
        self.peer = peer
        self.instance = instance
        self.alive = True
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

    def start(self) -> Run | None:
        """Start the next attempt, if nothing runs; return it."""
        while self.running is None and self.queue:
            run = self.queue.popleft()
            if (run.task, run.attempt) in self.queued:
                self.queued.remove((run.task, run.attempt))
                self.running = run
                return run
        return None
