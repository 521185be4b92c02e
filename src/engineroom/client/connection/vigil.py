"""One long wait: asks the controller why its tasks do not go on, and shows how far it is where people look."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from engineroom.client.arguments import given_numbers
from engineroom.client.connection.overview import activity, first_that_waits, overview
from engineroom.client.progress.shown import Shown
from engineroom.client.progress.standing import Counts, Standing
from engineroom.protocol.messages import Ask, Message
from engineroom.protocol.questions import AboutTask, AskTask

if TYPE_CHECKING:
    from engineroom.client.state.questions import Questions
    from engineroom.client.state.tasks import Task
    from engineroom.client.waiting.waits import Waiter
    from engineroom.ids import SessionId

_NUMBER = re.compile(r"[0-9][0-9.,]*")

_SHORTEST = 0.01
"""Seconds between two looks, at least."""

_COST = 20
"""A look that takes long, at 100,000 tasks, is taken so seldom that the time between two is so many times longer."""

_REQUESTS = 1000
"""So many tasks are looked at for what is still being sent."""

Say = Callable[[str, str], object]
"""Says something in programs, once for each key."""

Unsent = Callable[[Sequence[int]], int]
"""Returns how many bytes of these requests, by their numbers, have not been sent."""


class Wish(NamedTuple):
    """How a wait is to be shown. `progress`: from its start (True), never (False), or once it has lasted (None).

    `interval`: seconds between two looks; `widget`: see `Shown`.
    """

    progress: bool | None = None
    interval: float = 0.2
    widget: object = None


def from_the_start(interval: float, widget: object) -> Wish:
    """Return the wish of somebody who wants to see the progress. ValueError, TypeError: `interval` is no number."""
    return Wish(True, max(_SHORTEST, given_numbers.seconds("interval", interval)), widget)  # noqa: FBT003 (a field)


class Subject(Protocol):
    """What a wait is for, such as an AsyncResult."""

    @property
    def _progress(self) -> bool | None:
        """Whether it is shown: see `Wish`."""

    @property
    def _vigil(self) -> Vigil | None:
        """What shows it already, over several waits; None: each wait has its own."""

    def _awaited(self) -> Sequence[Task]:
        """Return its tasks; those that have ended may be missing."""

    def _counts(self) -> Counts:
        """Return how many of them are done."""


class Unfinished:
    """These tasks of a session, or all that it has, as what a wait is for. Results that nobody holds are not kept."""

    def __init__(self, tasks: dict[int, Task], numbers: Sequence[int] | None = None) -> None:
        """`tasks`: the unfinished tasks of the session; `numbers`: those that the wait is for, None for all."""
        self._tasks, self._numbers = tasks, numbers
        self._total, self._since = len(tasks if numbers is None else numbers), time.time()
        self._progress: bool | None = None
        self._vigil: Vigil | None = None

    def _awaited(self) -> Sequence[Task]:
        tasks = self._tasks
        if self._numbers is None:
            return tuple(tasks.values())
        self._numbers = [number for number in self._numbers if number in tasks]
        return [task for number in self._numbers if (task := tasks.get(number)) is not None]

    def _counts(self) -> Counts:
        left = len(self._awaited())
        self._total = max(self._total, left)
        return Counts(self._total - left, self._total, since=self._since)


class Vigil:
    """What one wait has asked and shown."""

    def __init__(
        self,
        session: SessionId,
        questions: Questions,
        send: Callable[[Message], object],
        subject: Subject,
        unsent: Unsent,
    ) -> None:
        self._session, self._questions, self._send = session, questions, send
        self._subject, self._unsent = subject, unsent
        self._number = 0
        self.answered: Waiter | None = None
        self._about: AboutTask | None = None
        self._asked: Task | None = None
        self._shown: Shown | None = None
        self.due = 0.0
        """When it is to be shown again, by `time.monotonic()`."""

    def ask(self) -> None:
        """Take the answer to the last question, if it has come; then ask anew."""
        self._take()
        if self._number:
            return
        task = first_that_waits(self._subject._awaited())
        if task is None:
            return
        self._number, self.answered = self._questions.new()
        self._asked = task
        question = Ask(self._number, AskTask(task.id(self._session)))
        self._send(self._questions.asks(self._number, question, "why a task does not end"))

    def show(self, wish: Wish) -> float:
        """Show how far the wait is, in place of what was shown before; return the seconds until that is `due` again."""
        began = time.monotonic()
        self._take()
        if self._shown is None:
            self._shown = Shown(lasting=bool(wish.progress), widget=wish.widget)
        self._shown.show(self._standing())
        pause = max(wish.interval, _COST * (time.monotonic() - began))
        self.due = began + pause
        return pause

    def warn(self, say: Say) -> None:
        """Say why nothing goes on, if nothing does."""
        why = self.stands
        words = overview(self._subject._awaited(), why) if why else ""
        if words:
            say(_NUMBER.sub("#", why), words)

    def clear(self) -> None:
        """Take what is shown out of the way of others."""
        if self._shown is not None:
            self._shown.clear()

    def end(self) -> None:
        """The wait is over."""
        if self._shown is not None:
            standing = self._standing()
            unfinished = standing.counts.done < standing.counts.total
            self._shown.end(standing, comes_again=unfinished and bool(self._subject._progress))
            self._shown = None
        if self._number:
            self._questions.forget(self._number)
            self._number = 0

    @property
    def stands(self) -> str:
        """Why nothing goes on, "" if something may."""
        self._take()
        about, task = self._about, self._asked
        return about.why if about is not None and about.stands and task is not None and task.outcome is None else ""

    @property
    def in_words(self) -> str:
        """Why nothing goes on or, if something may, what does."""
        return self.stands or self._standing().words

    def _standing(self) -> Standing:
        counts = self._subject._counts()
        seconds = max(0.0, time.time() - counts.since) if counts.since else 0.0
        if counts.done >= counts.total:
            return Standing(counts, seconds=seconds)
        left = [task for task in self._subject._awaited() if task.outcome is None]
        words = activity(left, self._why(len(left)), counts.total)
        at_once = counts.unit == "tasks" and all(task.started for task in left)
        return Standing(self._sending(counts, left) or counts._replace(at_once=at_once), words, seconds)

    def _sending(self, counts: Counts, left: Sequence[Task]) -> Counts | None:
        """Return how much of the arguments has been sent, in MB, while they are what takes the time."""
        if counts.done or any(task.started for task in left[:_REQUESTS]):
            return None
        requests: dict[int, Any] = {
            task.request.number: task.request for task in left[:_REQUESTS] if task.request and task.request.segments
        }
        unsent = self._unsent(tuple(requests)) if requests else 0
        if not unsent:
            return None
        size = sum(request.size for request in requests.values())
        sent = max(0, size - unsent)
        return counts._replace(done=sent // 10**6, total=max(1, size // 10**6), unit="MB sent")

    def _why(self, left: int) -> str:
        """Return why the task that was asked about does not go on; of several, it is told as one if that is its own."""
        about, task = self._about, self._asked
        if about is None or task is None or task.outcome is not None or (task.started and not about.stands):
            return ""
        its_own = left > 1 and about.engine >= 0 and not about.stands
        return f"one{about.why.removeprefix('it')}" if its_own and about.why.startswith("it is ") else about.why

    def _take(self) -> None:
        answer = self._questions.answer(self._number) if self._number else None
        if answer is not None:
            self._questions.forget(self._number)
            self._number = 0
            self._about = answer.reply if isinstance(answer.reply, AboutTask) else None
