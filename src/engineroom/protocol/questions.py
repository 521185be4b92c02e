"""What a client may ask the controller, and the answers: a struct for each."""

from __future__ import annotations

from typing import Annotated

from engineroom.protocol.attaching import AskSessions, Attached, Sessions
from engineroom.protocol.calls import Header
from engineroom.protocol.history import HistoryQuestion, HistoryReply, TaskIds
from engineroom.protocol.ranges import (
    EngineId,
    Engines,
    Few,
    Fewer,
    Names,
    Number,
    Seconds,
    SomeEngine,
    TaskId,
    Text,
    WallTime,
    Word,
)


class AskQueues(Header, frozen=True, tag="queues"):
    """How much does each engine have to do? `verbose`: with the ids of the tasks."""

    verbose: bool = False


class AskTask(Header, frozen=True, tag="task"):
    """Where is this task, and why does it not run?"""

    task: TaskId


class AskEngine(Header, frozen=True, tag="engine"):
    """What does this engine do?"""

    engine: EngineId


class AskSteps(Header, frozen=True, tag="steps"):
    """Which steps of the cluster's start does the controller know of?"""


class AskBounds(Header, frozen=True, tag="bounds"):
    """Which limits bind now?"""


class AskNames(Header, frozen=True, tag="names"):
    """Which names begin with `text` on this engine? `text` may be dotted: "np.lin" asks for attributes of `np`.

    The engine's I/O thread answers, so a busy engine does, too.
    """

    engine: EngineId
    text: Word


Question = AskQueues | AskTask | AskEngine | AskSteps | AskBounds | AskNames | HistoryQuestion | AskSessions


class EngineQueue(Header, frozen=True):
    """What one engine has: direct and balanced tasks; and how many have ended there. The ids only if asked for, and
    the first of them only. `unresponsive`: seconds for which it has not answered or been connected; 0: it answers."""

    engine: EngineId
    direct: Number
    balanced: Number
    completed: Number
    direct_ids: TaskIds = ()
    balanced_ids: TaskIds = ()
    unresponsive: Seconds = 0.0


class Queues(Header, frozen=True, tag="queues"):
    """`unassigned`: balanced tasks that wait for an engine. `silent_hosts`: the first of those that do not answer, a
    sentence each."""

    engines: Annotated[tuple[EngineQueue, ...], Fewer]
    unassigned: Number
    unassigned_ids: TaskIds = ()
    silent_hosts: Annotated[tuple[Text, ...], Few] = ()


class AboutTask(Header, frozen=True, tag="task"):
    """`state` and `why` are for people. `engine`: -1 for none. `failed_on`: where it raised; `died_with_it`: how
    engines ended that ran it; `withdrawn`: it ends as soon as its engine returns it. `stands`: it does not go on unless
    something else changes: it waits for what nobody has, for somebody who is not there, or does not end."""

    state: Word
    why: Text
    engine: SomeEngine = -1
    attempt: Number = 0
    errors: Number = 0
    failed_on: Annotated[tuple[EngineId, ...], Fewer] = ()
    died_with_it: Annotated[tuple[Text, ...], Fewer] = ()
    withdrawn: bool = False
    stands: bool = False


class AboutEngine(Header, frozen=True, tag="engine"):
    """`state` and `why` are for people. `load_seconds`: what its tasks are expected to take; `unacknowledged`: results
    that it keeps; `seconds_ago`: since it left, where that is known; `data`: how long payloads get there."""

    state: Word
    why: Text
    direct: Number = 0
    balanced: Number = 0
    running: TaskIds = ()
    completed: Number = 0
    load_seconds: Seconds = 0.0
    unacknowledged: Number = 0
    seconds_ago: Seconds = 0.0
    data: Text = ""


class KnownStep(Header, frozen=True):
    """A step of the start, as `settings.steps.Step` has it."""

    at: WallTime
    who: Text
    step: Word
    ok: bool = True
    words: Text = ""
    fix: Text = ""
    n: Engines = 0


class KnownSteps(Header, frozen=True, tag="steps"):
    """The latest steps, in their order."""

    steps: Annotated[tuple[KnownStep, ...], Fewer] = ()


MOST_BOUNDS = 200
"""So many limits are told of."""


class Bounds(Header, frozen=True, tag="bounds"):
    """The limits that bind now, each with its option, for people; and the hosts that do not answer."""

    words: Annotated[tuple[Text, ...], Fewer] = ()
    silent_hosts: Annotated[tuple[Text, ...], Few] = ()


class NamesThere(Header, frozen=True, tag="names"):
    """The first names that begin so, in order: "np.linspace" and so on. `memory`: bytes that the engine's process
    takes; 0: unknown."""

    names: Names = ()
    memory: Number = 0


Reply = Queues | AboutTask | AboutEngine | KnownSteps | Bounds | NamesThere | HistoryReply | Attached | Sessions
