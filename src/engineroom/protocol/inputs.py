"""Results of tasks that others take as arguments: on their way to engines, and kept for calls that may come.

Engines that refuse a task.
"""

from __future__ import annotations

from engineroom.protocol.calls import Body, Header
from engineroom.protocol.ranges import Ordinal, TaskId, Text
from engineroom.protocol.task_ranges import Ranges, TaskRanges


class Input(Header, frozen=True, tag="input"):
    """The result of `task`, which is an argument of attempts that follow. An engine keeps it until those that name it
    have ended there, and for later ones until `ForgetInputs`."""

    task: TaskId
    body: Body = b""


class ForgetInputs(Header, frozen=True, tag="forget_inputs"):
    """No attempt that follows has the result of one of these tasks as an argument without an `Input` ahead of it."""

    tasks: TaskRanges


class Staying(Header, frozen=True, tag="staying"):
    """A client has these results, by the numbers of its tasks, and may name them in calls until it acknowledges them:
    the controller need not send them again, and keeps them."""

    results: Ranges


class LetGo(Header, frozen=True, tag="let_go"):
    """Too much stays for a client: it is to acknowledge these results, once no call that it makes names them."""

    tasks: TaskRanges


class Unmet(Header, frozen=True, tag="unmet"):
    """The attempt has found that this engine is none for its task, which it has not done; `words`: why, for people."""

    task: TaskId
    attempt: Ordinal
    words: Text = ""
