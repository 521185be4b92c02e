"""Results of tasks on their way to engines that run others with them as arguments; engines that refuse a task."""

from __future__ import annotations

from engineroom.protocol.calls import Body, Header
from engineroom.protocol.ranges import Ordinal, TaskId, Text
from engineroom.protocol.task_ranges import TaskRanges


class Input(Header, frozen=True, tag="input"):
    """The result of `task`, which is an argument of attempts that follow. An engine keeps it until those that name it
    have ended there, and for later ones until `ForgetInputs`."""

    task: TaskId
    body: Body = b""


class ForgetInputs(Header, frozen=True, tag="forget_inputs"):
    """No attempt that follows has the result of one of these tasks as an argument without an `Input` ahead of it."""

    tasks: TaskRanges


class Unmet(Header, frozen=True, tag="unmet"):
    """The attempt has found that this engine is none for its task, which it has not done; `words`: why, for people."""

    task: TaskId
    attempt: Ordinal
    words: Text = ""
