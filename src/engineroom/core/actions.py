"""What the core wants done. Made for every task, so not tracked by the garbage collector: they hold no cycles."""

from __future__ import annotations

import msgspec

from engineroom.ids import Peer
from engineroom.protocol.messages import (
    Answer,
    Delivered,
    Display,
    Ended,
    EngineJoined,
    EngineLeft,
    EngineSilent,
    ForgetInputs,
    Input,
    Interrupt,
    KeptRan,
    LetGo,
    NeedFunction,
    Output,
    Ping,
    Refused,
    Result,
    Revoke,
    Run,
    RunsWithin,
    SubmitAgain,
    Synced,
    TasksStarted,
    Withdraw,
)

ToPeer = (
    Run
    | RunsWithin
    | Result
    | Ended
    | Delivered
    | TasksStarted
    | SubmitAgain
    | Synced
    | Output
    | Display
    | Revoke
    | Withdraw
    | Interrupt
    | Input
    | ForgetInputs
    | EngineJoined
    | EngineLeft
    | EngineSilent
    | Ping
    | NeedFunction
    | Refused
    | Answer
    | KeptRan
    | LetGo
)


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send `message` to `peer`. With a `body`, its bytes follow as a stream, whose id the sender fills in."""

    peer: Peer
    message: ToPeer
    body: object = None


class WakeAt(msgspec.Struct, frozen=True, gc=False):
    """Hand in a Tick at `time`, by the clock of `now`. Earlier or more often does no harm."""

    time: float


class DropBody(msgspec.Struct, frozen=True, gc=False):
    """Nobody wants the bytes of a message that came a second time."""

    body: object


class DropFunction(msgspec.Struct, frozen=True, gc=False):
    """No unfinished task names the function with this hash, and it has not been used for long."""

    hash: bytes


class DropSession(msgspec.Struct, frozen=True, gc=False):
    """The session with this id is over: its client is gone for long, and nothing is kept for it any more."""

    session: bytes


class Accept(msgspec.Struct, frozen=True, gc=False):
    """Let the bytes of a Large come: the turn of its tasks is near."""

    body: object


class Look(msgspec.Struct, frozen=True, gc=False):
    """Look whether the process `pid` of this machine lives, and hand in a Seen from `peer`, with this `at_once`."""

    peer: Peer
    pid: int
    at_once: bool = False


class Listen(msgspec.Struct, frozen=True, gc=False):
    """Hand in a Quiet with those of `peers` (None: all) from which nothing has come since they were looked at last."""

    peers: tuple[Peer, ...] | None = None


class EndEngine(msgspec.Struct, frozen=True, gc=False):
    """Tell an engine to end; `reason` is for people."""

    peer: Peer
    engine: int
    reason: str


class KillEngine(msgspec.Struct, frozen=True, gc=False):
    """Kill the process of an engine, which its host starts again; `reason` is for people."""

    peer: Peer
    engine: int
    reason: str


class HangUp(msgspec.Struct, frozen=True, gc=False):
    """Break off the connection of a peer that counts as lost."""

    peer: Peer
    reason: str


class Lost(msgspec.Struct, frozen=True, gc=False):
    """An engine counts as dead from now on, because of `cause`; it is known as `peer`."""

    peer: Peer
    engine: int
    cause: str


class Stop(msgspec.Struct, frozen=True, gc=False):
    """End the controller: whoever had it started is gone."""

    reason: str


_OfPeers = Look | Listen | EndEngine | KillEngine | HangUp | Lost | Stop
Action = Send | WakeAt | DropBody | DropFunction | DropSession | Accept | _OfPeers
