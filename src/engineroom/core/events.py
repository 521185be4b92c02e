"""Events for the core, besides the protocol's messages."""

from __future__ import annotations

import msgspec

from engineroom.ids import Instance, SessionId, TaskId
from engineroom.protocol.messages import (
    Abort,
    AlreadyStarted,
    Coming,
    Delivered,
    EngineInfo,
    Finished,
    Held,
    Output,
    Revoked,
    Started,
    Submit,
    Withdrawn,
)


class Large(msgspec.Struct, frozen=True):
    """A message whose bytes come as a stream. `body` is opaque: it is handed on with Run or Result."""

    message: Submit | Finished
    body: object


class ClientUp(msgspec.Struct, frozen=True):
    """A client is there, for the first time or again."""

    session: SessionId


class ClientGone(msgspec.Struct, frozen=True):
    """A client's connection is gone; it may come back."""


class ClientBehind(msgspec.Struct, frozen=True):
    """What waits to be read by a client has reached its bound; or, if not `behind`, has been read."""

    behind: bool


class EngineUp(msgspec.Struct, frozen=True):
    """An engine is there, for the first time or again. `or_another`: an id other than `wanted_id` will do;
    `host`: the host that started it, b"" for none. What it still has follows as `Held`."""

    instance: Instance
    info: EngineInfo = EngineInfo()
    wanted_id: int | None = None
    or_another: bool = False
    host: bytes = b""


class EngineAway(msgspec.Struct, frozen=True):
    """An engine's connection is cut; it may come back."""


class EngineLost(msgspec.Struct, frozen=True):
    """An engine will not come back. `cause` in words: "killed by SIGKILL".

    `own`: it ended by its own doing (it exited, crashed or ran out of memory), not by a signal from outside.
    `running`: the (task, attempt) pairs that it ran when it ended, None if nobody knows. `words`: what it
    wrote last and where its log is, in a few lines.
    """

    cause: str
    own: bool = False
    running: tuple[tuple[TaskId, int], ...] | None = None
    words: str = ""


class HostSays(msgspec.Struct, frozen=True):
    """What a host has in hand: see `messages.Coming`. It replaces what the same host said before."""

    host: bytes
    says: Coming


class HostGone(msgspec.Struct, frozen=True):
    """A host has ended: it starts no more engines."""

    host: bytes


class BodyLost(msgspec.Struct, frozen=True):
    """The stream of the submitted `task` broke off: its bytes will never be complete."""

    task: TaskId


class Tick(msgspec.Struct, frozen=True):
    """The time that a WakeAt named has come. From no peer in particular."""


Event = (
    Finished
    | Submit
    | Delivered
    | Started
    | Output
    | Large
    | Revoked
    | Withdrawn
    | Held
    | AlreadyStarted
    | Tick
    | Abort
    | ClientUp
    | ClientGone
    | ClientBehind
    | EngineUp
    | EngineAway
    | EngineLost
    | HostSays
    | HostGone
    | BodyLost
)
