"""One long wait: asks the controller why its tasks do not go on, and shows it where people look."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engineroom.client.connection.overview import first_that_waits, overview
from engineroom.client.waiting.live_line import LiveLine, somebody_looks
from engineroom.protocol.messages import Ask, Message
from engineroom.protocol.questions import AboutTask, AskTask

if TYPE_CHECKING:
    from engineroom.client.state.questions import Questions
    from engineroom.client.state.tasks import Task
    from engineroom.client.waiting.waits import Waiter
    from engineroom.ids import SessionId

_NUMBER = re.compile(r"[0-9][0-9.,]*")

Tasks = Callable[[], "Sequence[Task]"]
"""Returns what a wait is for."""

Say = Callable[[str, str], object]
"""Says something in programs, once for each key."""


class Vigil:
    """What one wait has asked and shown. `tasks()`: all that it is for."""

    def __init__(
        self,
        session: SessionId,
        questions: Questions,
        send: Callable[[Message], object],
        tasks: Tasks,
    ) -> None:
        self._session, self._questions, self._send, self._tasks = session, questions, send, tasks
        self._number = 0
        self.answered: Waiter | None = None
        self._about: AboutTask | None = None
        self._asked: Task | None = None
        self._line: LiveLine | None = None

    def ask(self) -> None:
        """Take the answer to the last question, if it has come; then ask anew."""
        self._take()
        if self._number:
            return
        task = first_that_waits(self._tasks())
        if task is None:
            return
        self._number, self.answered = self._questions.new()
        self._asked = task
        self._send(Ask(self._number, AskTask(task.id(self._session))))

    def show(self) -> None:
        """Show what the wait is for, on a line that is written anew each time."""
        self._take()
        words = overview(self._tasks(), self._why())
        if words and somebody_looks():
            if self._line is None:
                self._line = LiveLine(sys.stderr)
            if self._line.in_place or not self._line.shown:  # else each change would be a line more
                self._line.show(words)

    def warn(self, say: Say) -> None:
        """Say why nothing goes on, if nothing does."""
        why = self.stands
        words = overview(self._tasks(), why) if why else ""
        if words:
            say(_NUMBER.sub("#", why), words)

    def clear(self) -> None:
        """Take the line away, for others to write there."""
        if self._line is not None:
            self._line.end()

    def end(self) -> None:
        """The wait is over."""
        self.clear()
        if self._number:
            self._questions.forget(self._number)
            self._number = 0

    @property
    def stands(self) -> str:
        """Why nothing goes on, "" if something may."""
        self._take()
        about, task = self._about, self._asked
        return about.why if about is not None and about.stands and task is not None and task.outcome is None else ""

    def _why(self) -> str:
        about, task = self._about, self._asked
        if about is None or task is None or task.outcome is not None:
            return ""
        return "" if task.started and not about.stands else about.why

    def _take(self) -> None:
        answer = self._questions.answer(self._number) if self._number else None
        if answer is not None:
            self._questions.forget(self._number)
            self._number = 0
            self._about = answer.reply if isinstance(answer.reply, AboutTask) else None
