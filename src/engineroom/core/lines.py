"""Whose bytes may come next: the large tasks of one session on their way to one place.

A place is an engine (direct tasks) or the pool of engines that may run a balanced one. The bytes of those are asked for
whose turn is near: in each line so many as its limits allow, in the order in which they will run. So a thousand large
tasks cost the controller the bytes of a few, and what one client has, or fails to send, keeps no other waiting.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from engineroom.core.actions import Accept, DropBody
from engineroom.core.task_states import State
from engineroom.core.tasks import Task
from engineroom.ids import TaskId

if TYPE_CHECKING:  # these have lines
    from engineroom.core.engines import Engine
    from engineroom.core.placement import Pool
    from engineroom.core.sessions import Session
    from engineroom.core.state import ControllerState


class Arrival:
    """The bytes of one Submit, on their way. `tasks`: those that wait for them, by number."""

    __slots__ = ("asked", "body", "number", "session", "size", "stored", "tasks", "ungranted")

    def __init__(self, session: Session, number: int, size: int, body: object, *, stored: bool = False) -> None:
        """`number`: of the first task; `stored`: they come from the store, so their client need not be there. Then it
        is negative, as the same call may come once more."""
        self.session, self.number, self.size, self.body, self.stored = session, number, size, body, stored
        self.tasks: dict[int, Task] = {}
        self.ungranted = 0
        """How many of the lines in which they are have not come to them yet."""
        self.asked = False


class Line:
    """The tasks of one session that wait for one place.

    `tasks`: direct ones that have not been sent, in order; `live`: how many of these have not ended. `counted`: bytes
    of tasks that were asked for: of balanced ones until an engine is sent them, of direct ones until they have ended.
    `ahead`: the sum of these; `pending`: how many of them have not been sent. `latest`: what was asked for last.
    """

    __slots__ = ("ahead", "counted", "latest", "live", "offers", "pending", "place", "session", "tasks")

    def __init__(self, session: Session, place: Engine | Pool) -> None:
        self.session, self.place = session, place
        self.tasks: deque[Task] = deque()
        self.live = 0
        self.offers: list[tuple[int, int, Task]] = []
        """Heap of what may not come yet; some of it may have ended."""
        self.counted: dict[TaskId, int] = {}
        self.ahead = self.pending = 0
        self.latest: Arrival | None = None

    def add(self, task: Task) -> None:
        """Have a direct task wait behind those of its session that have lower numbers."""
        self.live += 1
        task.line = self
        if not self.tasks or self.tasks[-1].number < task.number:
            self.tasks.append(task)
        else:
            insort(self.tasks, task, key=number_in_session)

    def head(self) -> Task | None:
        """Return the first task that waits here."""
        while self.tasks and self.tasks[0].state is not State.WAITING:
            self.tasks.popleft()
        return self.tasks[0] if self.tasks else None

    def after(self, number: int) -> list[Task]:
        """Return the tasks that wait here, from `number` on."""
        return [task for task in self.tasks if task.number >= number and task.state is State.WAITING]

    def discard(self) -> None:
        """One of `tasks` is about to end."""
        self.live -= 1
        if len(self.tasks) > 2 * self.live + 32:
            self.tasks = deque(task for task in self.tasks if task.line is self)


def number_in_session(task: Task) -> int:
    """Return what tasks of one session are ordered by."""
    return task.number


def line_at(place: Engine | Pool, session: Session) -> Line:
    """Return the line of `session` at `place`, made if it is not there."""
    line = place.lines.get(session)
    if line is None:
        line = place.lines[session] = Line(session, place)
    return line


def offer(line: Line, task: Task, arrival: Arrival) -> None:
    """Have the bytes of `task` come when it is their turn in `line`, and in all others that they are in."""
    task.line, task.arrival = line, arrival
    arrival.tasks[task.number] = task
    arrival.ungranted += 1
    heappush(line.offers, (-task.submit.options.priority, task.number, task))


def pull(state: ControllerState, line: Line) -> None:
    """Ask for the bytes whose turn it is."""
    limits, offers = state.limits, line.offers
    most = limits.ahead_bytes if line.place.is_pool else limits.ahead_direct_bytes
    while offers:
        task = offers[0][2]
        arrival = task.arrival
        if task.line is not line or arrival is None:
            heappop(offers)  # it has ended
            continue
        full = line.counted and (line.ahead + arrival.size > most or len(line.counted) >= limits.ahead_tasks)
        # What waits behind the first may have come before it, if it was submitted again; it waits for the first. And a
        # call that names one engine twice has its bytes here once: the first of its tasks must not wait for the second.
        again = arrival is line.latest
        if full and not again and not (task is line.head() and line.pending == len(line.counted)):
            return
        heappop(offers)
        size = 0 if again else arrival.size
        line.counted[task.id] = size
        line.ahead += size
        line.pending += 1
        line.latest = arrival
        _granted(state, arrival)


def _granted(state: ControllerState, arrival: Arrival) -> None:
    """One line less keeps these bytes from coming."""
    arrival.ungranted -= 1
    if not arrival.ungranted and not arrival.asked and arrival.tasks:
        arrival.asked = True
        state.out.append(Accept(arrival.body))


def release(state: ControllerState, task: Task) -> None:
    """`task` takes no room in its line any more; so the next may come."""
    line = task.line
    if line is None:
        return
    task.line = None
    line.ahead -= line.counted.pop(task.id, 0)
    if line.offers:
        pull(state, line)
    tidy(line)


def tidy(line: Line) -> None:
    """Forget a line with nothing in it."""
    if not (line.live or line.counted or line.offers) and line.place.lines.get(line.session) is line:
        del line.place.lines[line.session]


def leave(state: ControllerState, task: Task) -> None:
    """`task`, which is WAITING, is about to end: nothing need come for it. What nobody waits for is refused."""
    assert task.state is State.WAITING
    task.function.waiting.pop(task.id, None)
    if state.held_back:
        state.held_back.pop(task, None)
    arrival, line = task.arrival, task.line
    task.lacks = 0
    if line is not None and task.id in line.counted:
        line.pending -= 1
    if arrival is not None:
        task.arrival = None
        del arrival.tasks[task.number]
        if not arrival.tasks:
            arrival.session.arrivals.pop(arrival.number, None)
            state.out.append(DropBody(arrival.body))
        elif line is not None and task.id not in line.counted:
            _granted(state, arrival)
    release(state, task)
    if line is not None and task.target >= 0:
        line.discard()
        pull(state, line)
        tidy(line)
