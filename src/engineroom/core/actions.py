"""What the core wants done. Made for every task, so not tracked by the garbage collector: they hold no cycles."""

from __future__ import annotations

from enum import Enum

import msgspec

from engineroom.ids import Peer, TaskId
from engineroom.protocol.messages import (
    Delivered,
    Ended,
    EngineJoined,
    EngineLeft,
    Interrupt,
    Output,
    Refused,
    Result,
    Revoke,
    Run,
    Submit,
    TasksStarted,
    Withdraw,
)

ToPeer = (
    Run
    | Result
    | Ended
    | Delivered
    | TasksStarted
    | Output
    | Revoke
    | Withdraw
    | Interrupt
    | EngineJoined
    | EngineLeft
    | Refused
)


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send `message` to `peer`. With a `body`, its bytes follow as a stream, whose id the sender fills in."""

    peer: Peer
    message: ToPeer
    body: object = None


class WakeAt(msgspec.Struct, frozen=True, gc=False):
    """Hand in a Tick at `time`, by the clock of `now`. Earlier or more often does no harm."""

    time: float


class DropFunction(msgspec.Struct, frozen=True, gc=False):
    """No unfinished task names the function with this hash, and it has not been used for long."""

    hash: bytes


class What(Enum):
    """What a Record is about."""

    SUBMITTED = "submitted"
    SENT = "sent"
    FINISHED = "finished"
    DELIVERED = "delivered"


class Record(msgspec.Struct, frozen=True, gc=False):
    """Something that a store keeps; made only while `state.recording`. `engine`: -1 for none."""

    what: What
    task: TaskId
    attempt: int
    engine: int
    message: Submit | Result | None = None
    body: object = None


Action = Send | WakeAt | DropFunction | Record
