"""Questions about what is recorded of tasks, and the answers: a struct for each.

What may be long in an answer travels as the body of its `Answer`: inside it if it is short, else as a stream.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from engineroom.protocol.calls import Header, Options
from engineroom.protocol.ranges import (
    EngineId,
    Few,
    Fewer,
    Hash,
    Inline,
    Number,
    Seconds,
    SomeEngine,
    SomeHash,
    SomeInstances,
    Spans,
    TaskId,
    Text,
    WallTime,
    Word,
)

MOST_KEYS = 64
Keys = Annotated[tuple[Word, ...], Meta(max_length=MOST_KEYS)]
SomeKind = Annotated[int, Meta(ge=0, le=255)]
TaskIds = Annotated[tuple[TaskId, ...], Fewer]


class AskRecords(Header, frozen=True, tag="records"):
    """Which tasks match `query`, a dict in msgpack? With `keys` of their records, None: the usual ones; sorted by
    `sort`, each a key and, with "-" before it, descending; after `skip`, at most `limit` of them, 0: all."""

    query: Inline
    keys: Keys | None = None
    sort: Keys = ()
    limit: Number = 0
    skip: Number = 0


class AskHistory(Header, frozen=True, tag="history"):
    """What are the ids of all recorded tasks, in the order of their submission?"""


class AskResult(Header, frozen=True, tag="result"):
    """How did `task`, of any client, end? Answered once it has; before, what it wrote is sent as `Output` and
    `Display`."""

    task: TaskId


class AskCall(Header, frozen=True, tag="call"):
    """What did `task` call? The answer's body is the payload of the call."""

    task: TaskId


class AskFunction(Header, frozen=True, tag="function"):
    """What are the bytes of this function, or part of one? They are the answer's body."""

    hash: Hash


class AskStatus(Header, frozen=True, tag="status"):
    """Which of these tasks, of any clients, have ended?"""

    tasks: Spans


class AskPurge(Header, frozen=True, tag="purge"):
    """Forget what is recorded of these tasks, and of all that `engines` ran last; `everything`: of all tasks. Those
    that have not ended stay."""

    tasks: Spans = ()
    engines: Annotated[tuple[EngineId, ...], Fewer] = ()
    everything: bool = False


class AskRepeated(Header, frozen=True, tag="repeated"):
    """Note that each of `tasks` was submitted again, as the one at the same place of `again`."""

    tasks: TaskIds
    again: TaskIds


class AskAudit(Header, frozen=True, tag="audit"):
    """Does the account of all tasks add up? `verify`: each entry is compared with its checksum."""

    verify: bool = True


class AskKept(Header, frozen=True, tag="kept"):
    """Answer once all that has been submitted is where it survives the controller."""


class Count(Header, frozen=True, tag="count"):
    """How many there are: of entries that the answer's body has, or that were purged."""

    number: Number


class HowItEnded(Header, frozen=True, tag="result"):
    """The end of a task, as a `Result` has it; its payload is the answer's body. `status` is a `Status`.

    `first`, `last`: the numbers of the tasks of its call, or with `of_map` of the map that it is a part of; 0: unknown.
    """

    status: SomeKind
    started: WallTime
    seconds: Seconds
    error: Text
    kind: SomeKind
    label: Word = ""
    engine: SomeEngine = -1
    instance: SomeInstances = b""
    host: Word = ""
    submitted: WallTime = 0.0
    received: WallTime = 0.0
    shadowed: Annotated[tuple[tuple[Word, Word, Word], ...], Few] = ()
    first: Number = 0
    last: Number = 0
    of_map: bool = False


class WhatItCalled(Header, frozen=True, tag="call"):
    """A call, as a `Submit` has it. `to`: the instance of the engine that it was bound to, b"" for a load-balanced one,
    and `engine` the id that this has, or had; -1: none that is known."""

    kind: SomeKind
    function: SomeHash
    options: Options
    to: SomeInstances = b""
    engine: SomeEngine = -1


class FunctionBytes(Header, frozen=True, tag="function"):
    """`parts`: as in `Function`; None: it is a part."""

    parts: Annotated[tuple[Hash, ...], Fewer] | None = ()


class StatusOf(Header, frozen=True, tag="status"):
    """The tasks of those that were asked for: which have not ended, which have, and which nobody knows."""

    pending: Spans = ()
    completed: Spans = ()
    unknown: Spans = ()


HistoryQuestion = (
    AskRecords
    | AskHistory
    | AskResult
    | AskCall
    | AskFunction
    | AskStatus
    | AskPurge
    | AskRepeated
    | AskAudit
    | AskKept
)
HistoryReply = Count | HowItEnded | WhatItCalled | FunctionBytes | StatusOf
