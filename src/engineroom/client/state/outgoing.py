"""What a session has for its I/O thread: its unfinished tasks, in the order of their numbers, and its messages.

Signal handlers, and finalizers that the garbage collector runs, interrupt a thread anywhere, and may use the client
themselves; a handler may also raise (Ctrl-C). So nothing here waits for a lock. CPython runs handlers and finalizers,
and switches threads, only when a call or a loop's turn ends: what stands between two such points happens as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from engineroom.client.state.tasks import Request, Task

if TYPE_CHECKING:
    from engineroom.protocol.messages import Message


class Waiting(NamedTuple):
    """What is to be sent over a new connection, in order: calls, and messages that were not sent over the last one."""

    requests: list[Request]
    messages: list[Message]


class Outgoing:
    """From all threads to the one that sends.

    `tasks`: those without an end, by number, in order. `last_number`: the last one that was used. `submitted_bytes`:
    bytes held by all requests so far, whether they have ended or not.
    """

    def __init__(self, wake: Callable[[], object]) -> None:
        """`wake`: has the I/O thread call `take` soon; safe anywhere."""
        self.tasks: dict[int, Task] = {}
        self.last_number = 0
        self.submitted_bytes = 0
        self._wake = wake
        self._items: list[Request | Message] = []
        self._again: dict[Request, None] = {}
        self._lone: Request | None = None
        self._awake = self._waking = False

    def enter(self, request: Request, tasks: list[Task]) -> bool:
        """Give `tasks` their numbers and have `request` sent, at the next `wake` at the latest.

        True: it is alone, so the caller may send it himself if he can `claim` it.
        """
        if len(tasks) > 1:
            return self._enter_all(request, tasks)
        task = tasks[0]
        # From here to the append, nothing is called: numbers are sent in their order, and none without its task.
        alone = not (self._awake or self.tasks or self._items or self._lone)
        self.last_number = task.number = number = self.last_number + 1
        self.tasks[number] = task
        self.submitted_bytes += request.held
        request.number = number
        if alone:
            self._lone = request
        else:
            self._items.append(request)
        return alone

    def _enter_all(self, request: Request, tasks: list[Task]) -> bool:
        count = len(tasks)
        while True:
            first = self.last_number + 1
            numbered = dict(zip(range(first, first + count), tasks, strict=True))
            for number, task in numbered.items():
                task.number = number
            # From here to the append, nothing is called, as above; others may have taken these numbers before.
            if self.last_number + 1 == first:
                alone = not (self._awake or self.tasks or self._items or self._lone)
                self.last_number = first + count - 1
                self.tasks |= numbered
                self.submitted_bytes += request.held
                request.number = first
                if alone:
                    self._lone = request
                else:
                    self._items.append(request)
                return alone

    def claim(self, request: Request) -> bool:
        """Whether `request` is still the caller's to send."""
        if self._lone is not request:
            return False
        self._lone = None
        return True

    def complete(self, request: Request, tasks: list[Task]) -> bool:
        """After an interrupt at any point of `enter`: have `request` sent, or let go of all of it; return which."""
        if not request.number:
            for task in tasks:
                if self.tasks.get(task.number) is task:
                    del self.tasks[task.number]
            return False
        if self._lone is not request and request not in self._items:
            self._items.append(request)  # if it has been sent, the controller knows its number
        self.wake_surely()
        return True

    def send(self, messages: Sequence[Message | Request]) -> None:
        """Have `messages` sent, after all that was entered before."""
        try:
            self._items.extend(messages)
            self.wake()
        except BaseException:
            self.wake_surely()
            raise

    def send_again(self, requests: Mapping[Request, None]) -> None:
        """Have `requests`, which have been sent before, sent once more. For the I/O thread only."""
        self._again.update(requests)
        self.wake()

    def wake(self) -> None:
        """Have everything sent soon."""
        if not self._awake or self._waking:
            self._waking = self._awake = True
            self._wake()
            self._waking = False

    def wake_surely(self) -> None:
        """Have everything sent soon, even if the last `wake` was interrupted."""
        self._waking = True
        self.wake()

    @property
    def stuck(self) -> bool:
        """Whether something may wait here that nobody is going to send, as the thread that would was interrupted."""
        return self._waking or self._lone is not None or (bool(self._items) and not self._awake)

    def waiting(self) -> list[Request]:
        """Return the requests that have not been taken to be sent."""
        lone = self._lone
        requests = [item for item in self._items if isinstance(item, Request)]
        return requests if lone is None else [lone, *requests]

    def take(self) -> list[Request | Message]:
        """Return what is to be sent; the next to add something wakes the I/O thread again. For that thread only."""
        self._awake = False  # first: what comes later wakes again
        count = len(self._items)
        items = self._items[:count]
        del self._items[:count]
        # Last: what stands behind it in time cannot be among the items without it.
        lone, self._lone = self._lone, None
        if self._again:
            again, self._again = self._again, {}
            items = [*again, *items]
        return items if lone is None else [lone, *items]

    def put_back(self, items: list[Request | Message]) -> None:
        """Have `items`, which were taken, sent before all others after all."""
        self._items[:0] = items

    def take_all(self, known_up_to: int) -> Waiting:
        """Return what a controller that has our tasks up to `known_up_to` has to be sent, and what else there was."""
        again = tuple(self._again)
        messages = [item for item in self.take() if not isinstance(item, Request)]
        requests = [task.request for task in list(self.tasks.values()) if task.number > known_up_to]
        unique = dict.fromkeys([*again, *(request for request in requests if request is not None)])
        return Waiting(sorted(unique, key=_number), messages)

    def first_unfinished(self) -> int:
        """Return the number below which every task has ended."""
        last = self.last_number  # first: a task may be entered meanwhile
        for number in self.tasks:
            return number
        return last + 1

    def empty(self) -> list[Task]:
        """Take all unfinished tasks out, and return them."""
        return [task for number in list(self.tasks) if (task := self.tasks.pop(number, None)) is not None]


def _number(request: Request) -> int:
    """Return what calls are sent in the order of: a controller that knows none of them takes a gap for the end."""
    return request.number
