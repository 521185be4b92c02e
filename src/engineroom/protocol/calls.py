"""What messages say of a task: what to run, how its payload travels, how it may be treated, and how it ended."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

import msgspec

from engineroom.protocol.ranges import (
    Amount,
    Descriptor,
    EngineId,
    Few,
    Fewer,
    Inline,
    Number,
    OpenStream,
    Priority,
    Seconds,
    Size,
    SomeHash,
    Spans,
    StreamSize,
    Text,
    Tries,
    WallTime,
    Word,
)


class Header(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of messages and their parts: immutable, and not tracked by the garbage collector (they hold no cycles)."""


class Kind(IntEnum):
    """What a call does on the engine."""

    APPLY = 0
    EXECUTE = 1
    PUSH = 2
    PULL = 3
    CLEAR = 4
    """Empty the namespace, and run the start-up code again; no payload."""
    COMM = 5
    """Hand a message of a comm (of a widget, say) to whoever listens to it."""


AnyKind = Annotated[int, msgspec.Meta(ge=0, le=int(max(Kind)))]

METHODS = {int(kind): kind.name.lower() for kind in Kind}
"""What people call the kinds of calls."""


class Status(IntEnum):
    """How a task ended."""

    OK = 0
    ERROR = 1
    """The call raised; the payload is the packed failure."""
    ABORTED = 2
    """It never ran, because a client withdrew it."""
    LOST = 3
    """Its engine died, or it can run nowhere; `Outcome.error` says why. No payload."""
    NO_ENGINE = 4
    """No engine is left, and no host is about to start one; `Outcome.error` says how the engines ended. No payload."""
    DEPENDENCY = 5
    """It was not to run, because of other tasks or of what it asks of an engine; `Outcome.error` says why:
    "Name: text", with the name of an error of `errors`. No payload."""
    OVERDUE = 6
    """It ran beyond its time limit, and its engine was ended; `Outcome.error` says so. No payload."""


AnyPart = Annotated[int, msgspec.Meta(ge=0, le=2)]
AnyStatus = Annotated[int, msgspec.Meta(ge=0, le=int(max(Status)))]
RanStatus = Annotated[int, msgspec.Meta(ge=int(Status.OK), le=int(Status.ERROR))]


class Part(IntEnum):
    """What an engine does for its neighbours, those on the same machine, about a payload that several of them need."""

    ALONE = 0
    CARRY = 1
    """Take it into memory that the others can map, and say by `Near` where that is."""
    WAIT = 2
    """Give no credit before `Near` says where it is."""


class Stream(Header, frozen=True, tag=1):
    """A payload of `size` bytes that follows in chunks, as the stream `id` of this connection.

    The sender chooses `id` from 1 on when it opens the stream; 0: it is not open yet.
    """

    id: OpenStream
    size: StreamSize
    part: AnyPart = Part.ALONE


class Shared(Header, frozen=True, tag=2):
    """A payload of `size` bytes that lies in memory which its receiver, on the same machine, can map.

    It is a stream of which nothing comes unless the receiver gives credit, because it can't have the memory:
    that is file `descriptor` of the sender's process, from `offset` on, and has this `device` and `inode`. `scarce`:
    its owner has little more to write, so whoever keeps the payload had better keep a copy.
    """

    id: OpenStream
    size: StreamSize
    descriptor: Descriptor
    offset: Size
    device: Number
    inode: Number
    scarce: bool = False


Apart = Stream | Shared
"""What travels beside its message."""

Body = Inline | Stream | Shared
"""How a payload travels: inside its message if it is short (up to `INLINE_LIMIT`), else beside it."""


class Call(Header, frozen=True):
    """What to run. `function`: 16-byte content hash of the function, b"" when the kind needs none."""

    kind: AnyKind
    function: SomeHash = b""
    body: Body = b""


Resources = Annotated[tuple[tuple[Word, Amount], ...], Few]
Tags = Annotated[tuple[Word, ...], Few]


class Terms(Header, frozen=True):
    """What few tasks ask for. `time_limit`: seconds that an attempt may run, 0 for any time; then it is interrupted or,
    with `restart`, its engine is restarted if that is in vain. `resources`: how much of each the engine must have free;
    `tags`: what it must be called."""

    time_limit: Seconds = 0.0
    restart: bool = False
    resources: Resources = ()
    tags: Tags = ()


class Condition(Header, frozen=True):
    """How other tasks must have ended: all of `tasks` or, unless `every`, one of them; with a result if `success`, with
    an error if `failure`, either way if both."""

    tasks: Spans
    every: bool = True
    success: bool = True
    failure: bool = False


class Awaits(Header, frozen=True):
    """What a task waits for: `after`; `follow`, and then it runs where one of those ran; within `timeout` seconds, 0:
    in any time. `inputs`: the tasks whose results are arguments of its call, in the order in which that names them."""

    after: Condition | None = None
    follow: Condition | None = None
    timeout: Seconds = 0.0
    inputs: Spans = ()


class Options(Header, frozen=True):
    """How a task may be treated, apart from where it runs; most tasks share the defaults.

    `engines`: the ids that a balanced task may run on, None for all. `retries`: how many exceptions are
    tried again. `rerun_lost`: run again elsewhere when the engine dies after the start, at most
    `max_engine_losses` times. Higher `priority` goes first. `of_map`: the call is a part of a map: the number of the
    first task of that, 0 for this one, and how many tasks it has.
    """

    engines: Annotated[tuple[EngineId, ...], Fewer] | None = None
    retries: Tries = 0
    rerun_lost: bool = True
    max_engine_losses: Tries = 3
    priority: Priority = 0
    label: Word = ""
    terms: Terms | None = None
    of_map: tuple[Number, Number] | None = None


DEFAULT_OPTIONS = Options()


class Outcome(Header, frozen=True):
    """How an attempt ended. `started`: wall time (s since 1970, engine's clock corrected by the controller's
    offset); `seconds`: how long it ran; `error`: "" or "Name: text" for people and logs. `shadowed`: names that came
    with its function while the engine had other values under them: name, the engine's value, the other, in short."""

    status: AnyStatus
    started: WallTime
    seconds: Seconds
    error: Text = ""
    shadowed: Annotated[tuple[tuple[Word, Word, Word], ...], Few] = ()


class Ran(Outcome, frozen=True):
    """How an attempt ended in the words of its engine: only the controller knows of other ends."""

    status: RanStatus
