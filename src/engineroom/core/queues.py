"""Waiting tasks: by priority, then fair between sessions, then first in, first out.

Fair: among the sessions that wait at one priority, the one goes next that has used the least engine time.
That is start-time fair queueing (Goyal, Vin, Cheng 1996); unlike deficit round robin it needs no rounds
when one session's tasks are a million times as long as another's. O(log sessions) a task.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush, heapreplace
from itertools import count

from engineroom.core.sessions import Session
from engineroom.core.task_states import State
from engineroom.core.tasks import Task


class Clock:
    """Where fairness stands: the `used` of the session that was served last. A newcomer starts from there."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = 0.0


class _Flow:
    """The waiting tasks of one session at one priority. Withdrawn ones stay in `tasks` until there are too many."""

    __slots__ = ("live", "session", "tasks")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.tasks: deque[Task] = deque()
        self.live = 0

    def pop(self) -> Task:
        self.live -= 1
        while True:
            task = self.tasks.popleft()
            if task.state is State.QUEUED:
                return task

    def steal(self) -> _Flow:
        """Return a flow with these tasks, and be empty."""
        flow = _Flow(self.session)
        flow.tasks, flow.live = self.tasks, self.live
        self.tasks, self.live = deque(), 0
        return flow

    def take_over(self, flow: _Flow) -> None:
        """Put the tasks of `flow` ahead of these."""
        self.tasks.extendleft(reversed(flow.tasks))
        self.live += flow.live

    def discard(self) -> None:
        self.live -= 1
        if len(self.tasks) > 2 * self.live + 32:
            self.tasks = deque(task for task in self.tasks if task.state is State.QUEUED)


class _Ring:
    """The flows of one priority. A flow has one place in `heap`, by what its session had used at the time."""

    __slots__ = ("flows", "heap", "numbers")

    def __init__(self) -> None:
        self.flows: dict[Session, _Flow] = {}
        self.heap: list[tuple[float, int, _Flow]] = []
        self.numbers = count()

    def flow(self, session: Session, clock: Clock) -> _Flow:
        flow = self.flows.get(session)
        if flow is None:
            flow = self.flows[session] = _Flow(session)
            session.used = max(session.used, clock.used)
            heappush(self.heap, (session.used, next(self.numbers), flow))
        return flow

    def head(self) -> _Flow | None:
        """Return the flow whose turn it is; None if all are empty. Brings the top of the heap up to date."""
        heap = self.heap
        while heap:
            used, _, flow = heap[0]
            if not flow.live:
                heappop(heap)
                del self.flows[flow.session]
            elif used < flow.session.used and len(heap) > 1:
                heapreplace(heap, (flow.session.used, next(self.numbers), flow))
            else:
                return flow
        return None


class ReadyQueue:
    """The tasks that wait for the engines of one pool. `waiting`: how many, apart from those of paused sessions."""

    __slots__ = ("_clock", "_order", "_parked", "_rings", "waiting")

    def __init__(self, clock: Clock) -> None:
        self.waiting = 0
        self._clock = clock
        self._rings: dict[int, _Ring] = {}
        self._order: list[int] = []
        """Heap of the negated priorities in `_rings`."""
        self._parked: dict[Session, dict[int, _Flow]] = {}
        """The tasks of paused sessions, by priority."""

    def park(self, session: Session) -> None:
        """`session` is paused: its tasks are passed over. O(priorities)."""
        parked = self._parked[session] = {}
        for priority, ring in self._rings.items():
            flow = ring.flows.get(session)
            if flow is not None and flow.live:
                parked[priority] = flow.steal()
                self.waiting -= parked[priority].live

    def unpark(self, session: Session) -> None:
        """The pause of `session` is over: its tasks wait their turn again, ahead of what has come since."""
        for priority, flow in self._parked.pop(session, {}).items():
            if flow.live:
                self._ring(priority).flow(session, self._clock).take_over(flow)
                self.waiting += flow.live

    def _flow_of(self, task: Task) -> _Flow:
        priority, session = task.submit.options.priority, task.session
        if session.paused:
            return self._parked.setdefault(session, {}).setdefault(priority, _Flow(session))
        ring = self._rings.get(priority) or self._ring(priority)
        return ring.flows.get(session) or ring.flow(session, self._clock)

    def _ring(self, priority: int) -> _Ring:
        ring = self._rings.get(priority)
        if ring is None:
            ring = self._rings[priority] = _Ring()
            heappush(self._order, -priority)
        return ring

    def push(self, task: Task) -> None:
        flow = self._flow_of(task)
        flow.tasks.append(task)
        flow.live += 1
        if not task.session.paused:
            self.waiting += 1

    def push_front(self, task: Task) -> None:
        """Put back a task that has waited its turn once already."""
        flow = self._flow_of(task)
        flow.tasks.appendleft(task)
        flow.live += 1
        self.waiting += not task.session.paused

    def discard(self, task: Task) -> None:
        """Forget a waiting task whose state has just become another than QUEUED."""
        self.waiting -= not task.session.paused
        self._flow_of(task).discard()

    def take(self, task: Task) -> None:
        """Take out this waiting task, out of its turn: it may come back, so nothing of it stays. O(tasks before it)."""
        flow = self._flow_of(task)
        flow.tasks.remove(task)
        flow.live -= 1
        self.waiting -= not task.session.paused

    def _head(self) -> tuple[int, _Flow]:
        """Return priority and flow of the next task; there must be one."""
        while True:
            priority = -self._order[0]
            flow = self._rings[priority].head()
            if flow is not None:
                return priority, flow
            heappop(self._order)
            del self._rings[priority]

    def rank(self) -> tuple[int, float]:
        """Return what to compare with other queues: the lower goes first. There must be a task."""
        priority, flow = self._head()
        return -priority, flow.session.used

    def pop(self) -> Task:
        """Take out the next task; there must be one."""
        _, flow = self._head()
        self.waiting -= 1
        return flow.pop()

    def tasks(self) -> list[Task]:
        """Return all waiting tasks, in no useful order. O(outstanding): for people and for checks."""
        flows = [flow for ring in self._rings.values() for flow in ring.flows.values()]
        flows += [flow for parked in self._parked.values() for flow in parked.values()]
        return [task for flow in flows for task in flow.tasks if task.state is State.QUEUED]
