"""Events for the core, besides the protocol's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engineroom.ids import Instance, Peer, SessionId, TaskId
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import (
    Abort,
    AlreadyStarted,
    Attach,
    Coming,
    Delivered,
    Detach,
    Display,
    EngineExited,
    EngineInfo,
    Finished,
    Forget,
    Full,
    Held,
    Keep,
    Output,
    Result,
    Revoked,
    Started,
    Staying,
    Submit,
    Sync,
    Unmet,
    Waits,
    Who,
    Withdrawn,
)
from engineroom.protocol.task_ranges import Ranges

if TYPE_CHECKING:  # it knows engines
    from engineroom.core.journal import Try


class Large(msgspec.Struct, frozen=True):
    """A message whose bytes come as a stream. `body` is opaque: it is handed on with Run or Result."""

    message: Submit | Finished | Keep
    body: object


class ResultAnnounced(msgspec.Struct, frozen=True):
    """An engine is about to send the result of `message` in a stream; it does so after an Accept of `body`."""

    message: Finished
    body: object


class ClientUp(msgspec.Struct, frozen=True):
    """A client is there, for the first time or again. `within`: the engine whose tasks are this client.
    `withdraw`: its unfinished tasks end with it. `who`: what it says of itself, for people."""

    session: SessionId
    within: Instance | None = None
    withdraw: bool = False
    who: Who = Who()


class ClientGone(msgspec.Struct, frozen=True):
    """A client's connection is gone; it may come back."""


class ClientBehind(msgspec.Struct, frozen=True):
    """What waits to be read by a client has reached its bound; or, if not `behind`, has been read."""

    behind: bool


class EngineUp(msgspec.Struct, frozen=True):
    """An engine is there, for the first time or again. What it still has follows as `Held`."""

    instance: Instance
    info: EngineInfo = EngineInfo()
    wanted_id: int | None = None
    or_another: bool = False
    """An id other than `wanted_id` will do."""
    host: bytes = b""
    """The host that started it, b"" for none..."""
    spawned: bool = False
    """... by a spawner..."""
    launched: bool = False
    """... or by a launcher."""
    pid: int = 0
    """0: its process can't be seen."""
    tunnel: bool = False
    """It came through ssh."""
    back: bool = False
    """It has been part of this cluster before, under the id that it wants."""


class KnownEngine(msgspec.Struct, frozen=True):
    """An engine that the controller before this one knew, with what it knew of it."""

    id: int
    up: EngineUp


MOST_LIVES = 2**31 - 1
"""So many lives of controllers have attempts with numbers of their own."""


class Restored(msgspec.Struct, frozen=True):
    """The controller goes on in the place of another one; it is told this first of all. From no peer.

    `life`: how many there were before it, so that none of its attempts has a number that was used. `engines`: they may
    be there still. Ids below `next_id`, and `used_ids`, were given out.
    """

    life: int
    engines: tuple[KnownEngine, ...] = ()
    next_id: int = 0
    used_ids: tuple[int, ...] = ()


class RestoredTask(msgspec.Struct, frozen=True):
    """A task that has not ended, as the store knows it. `submit`: of it alone. `body`: its arguments, where they are
    too long for that: they come once they are accepted. `submitted`: when, by the clock of the core; `tries`: the
    attempts that engines had, of which the last had not ended; `errors`, `losses`: how many counted; `lost`: why it
    can't run, in words."""

    submit: Submit
    body: object = None
    submitted: float = 0.0
    tries: tuple[Try, ...] = ()
    lost: str = ""
    errors: int = 0
    losses: int = 0


class RecordedEnd(msgspec.Struct, frozen=True):
    """A task that has ended, as the store knows it: its result, and the bytes of that if they are too long for it."""

    result: Result
    body: object = None


class RestoredTasks(msgspec.Struct, frozen=True):
    """What the store has of a client whose tasks have not all ended: told before anybody connects. From no peer.

    `known_up_to`: the last of its tasks that was recorded; `failed`: those that did not end well. `ended`: tasks whose
    results are arguments of `tasks`. `returns`: the client may come back; else nobody waits for it. The rest as in
    ClientUp.
    """

    session: SessionId
    tasks: tuple[RestoredTask, ...]
    known_up_to: int
    ended: tuple[RecordedEnd, ...] = ()
    failed: Ranges = ()
    returns: bool = False
    withdraw: bool = False
    who: Who = Who()


class RecordedEnds(msgspec.Struct, frozen=True):
    """A client is about to come back for the first time: these of its tasks have ended, and it may not have their
    results. `known_up_to`: the last of its tasks that was recorded. From no peer."""

    session: SessionId
    known_up_to: int
    ended: tuple[RecordedEnd, ...] = ()


class EngineClosed(msgspec.Struct, frozen=True):
    """An engine's connection has ended."""

    closing: Closing


class Dismiss(msgspec.Struct, frozen=True):
    """Somebody wants engines to end: a client any, a host (`host`) its own."""

    engines: tuple[int, ...]
    reason: str
    host: bytes = b""


class Seen(msgspec.Struct, frozen=True):
    """What an action Look has found; from the peer that it named."""

    lives: bool
    at_once: bool = False


class Quiet(msgspec.Struct, frozen=True):
    """From these peers nothing has come since they were looked at last, which a Listen to `asked` wanted to know; from
    no peer in particular."""

    peers: tuple[Peer, ...]
    asked: tuple[Peer, ...] | None = None


class HostSays(msgspec.Struct, frozen=True):
    """What a host has in hand: see `messages.Coming`. It replaces what the same host said before."""

    host: bytes
    says: Coming


class HostUp(msgspec.Struct, frozen=True):
    """A host is there, for the first time or again; `pid`, `tunnel`: as in EngineUp."""

    host: bytes
    pid: int = 0
    tunnel: bool = False


class HostClosed(msgspec.Struct, frozen=True):
    """A host's connection has ended."""

    closing: Closing


class Began(msgspec.Struct, frozen=True):
    """The controller listens; `host`: it ends without that one, b"" for none."""

    host: bytes


class BodyHere(msgspec.Struct, frozen=True):
    """The stream of the submitted `task` is complete: all of `body` is here."""

    task: TaskId
    body: object


class BodyLost(msgspec.Struct, frozen=True):
    """The stream of the submitted `task` broke off: its `body` will never be complete. `words`: why; "" if the
    client is to submit it again."""

    task: TaskId
    body: object
    words: str = ""


class KeptHere(msgspec.Struct, frozen=True):
    """The stream of a call that a client keeps is complete. From that client."""

    kept: int
    body: object


class KeptLost(msgspec.Struct, frozen=True):
    """The stream of a call that a client keeps broke off. From that client."""

    kept: int
    body: object


class FunctionComing(msgspec.Struct, frozen=True):
    """A client has announced a function, which is not here, in a stream."""

    hash: bytes


class FunctionHere(msgspec.Struct, frozen=True):
    """A function, and all its parts, are complete. `size`: of all these, in bytes."""

    hash: bytes
    size: int = 0


class FunctionLost(msgspec.Struct, frozen=True):
    """What a client was sending of a function will never be complete: `words` say why."""

    hash: bytes
    words: str


class Committed(msgspec.Struct, frozen=True):
    """The ends of tasks up to this number are in the store, or never will be; from no peer in particular. See
    `journal`."""

    up_to: int


class FunctionMissing(msgspec.Struct, frozen=True):
    """An engine lacks a function, or a part of it, that is not here either."""

    hash: bytes


class Tick(msgspec.Struct, frozen=True):
    """The time that a WakeAt named has come. From no peer in particular."""


Event = (
    Finished
    | Submit
    | Sync
    | Delivered
    | Staying
    | Started
    | Waits
    | Output
    | Display
    | Large
    | ResultAnnounced
    | Revoked
    | Unmet
    | Withdrawn
    | Held
    | AlreadyStarted
    | Tick
    | Abort
    | Attach
    | Detach
    | ClientUp
    | ClientGone
    | ClientBehind
    | Full
    | Restored
    | RestoredTasks
    | RecordedEnds
    | EngineUp
    | EngineClosed
    | EngineExited
    | Dismiss
    | Seen
    | Quiet
    | HostUp
    | HostClosed
    | HostSays
    | Began
    | BodyHere
    | BodyLost
    | Keep
    | Forget
    | KeptHere
    | KeptLost
    | FunctionComing
    | FunctionHere
    | FunctionLost
    | FunctionMissing
    | Committed
)
