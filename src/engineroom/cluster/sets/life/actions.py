"""What is to be done about engines of a host: by launchers and the spawner, and whom to tell."""

from __future__ import annotations

import msgspec

from engineroom.cluster.sets.hosted import HostedEngine
from engineroom.ids import Instance
from engineroom.protocol.messages import EngineExited


class Changed(msgspec.Struct, frozen=True):
    """What the controller knows, or the cluster file says, of engines is no longer so."""


class Count(msgspec.Struct, frozen=True):
    """Tell the owner that so many engines of `n` are ready."""

    ready: int
    n: int


class Remark(msgspec.Struct, frozen=True):
    """Tell the owner something."""

    words: str


# Of sets that a launcher starts:


class Launch(msgspec.Struct, frozen=True):
    """Have the launcher start a set; the answer is Launched or NotLaunched."""

    launch: int
    set: str
    n: int


class Watch(msgspec.Struct, frozen=True):
    """Have the launcher polled about a set; the answers are Heard or NotHeard, again and again."""

    launch: int


class Unwatch(msgspec.Struct, frozen=True):
    """Poll the launcher about a set no more."""

    launch: int


class Stop(msgspec.Struct, frozen=True):
    """Have the launcher stop a set; the answer is Stopped or NotStopped."""

    launch: int


class Dismiss(msgspec.Struct, frozen=True):
    """Have the controller tell these engines to end."""

    engine_ids: tuple[int, ...]


class SayGone(msgspec.Struct, frozen=True):
    """Tell the controller that an engine has ended, which it has not noticed."""

    instance: Instance
    cause: str


class Queued(msgspec.Struct, frozen=True):
    """A set waits, and that is news: note and tell it."""

    set: str
    words: str
    fix: str = ""


class NotAsked(msgspec.Struct, frozen=True):
    """The status of a set can't be queried, and that is news: log it. `waited_for`: and tell those who wait."""

    problem: str
    waited_for: bool


class EngineLost(msgspec.Struct, frozen=True):
    """An engine of a launcher has ended: note and tell it."""

    label: int
    cause: str
    log_file: str


class SetEnded(msgspec.Struct, frozen=True):
    """A set has ended by itself: note it."""

    set: str
    words: str
    fix: str = ""


class SetComplete(msgspec.Struct, frozen=True):
    """All engines of a set have registered: note it; the start is over."""

    set: str
    n: int


class SetShort(msgspec.Struct, frozen=True):
    """Engines of a set will not come: note it; the start is over.

    `missing`: how many of `n`; `how`: they have ended, None if they are late; `failed`: not one came.
    """

    set: str
    missing: int
    n: int
    how: str | None
    log_file: str
    failed: bool


class StartOver(msgspec.Struct, frozen=True):
    """The start of a set is over, because its end is wanted. `problem`: it is to fail with these words."""

    set: str
    problem: str = ""


class StopOver(msgspec.Struct, frozen=True):
    """A set has been stopped. `problem`: it could not be."""

    set: str
    problem: str = ""


Done = Changed | Launch | Watch | Unwatch | Stop | Dismiss | SayGone
Told = Count | Remark | Queued | NotAsked | EngineLost | SetEnded
Over = SetComplete | SetShort | StartOver | StopOver
SetAction = Done | Told | Over


# Of engines that the spawner forks:


class Fork(msgspec.Struct, frozen=True):
    """Have the spawner fork an engine: its next life has begun."""

    engine: HostedEngine


class End(msgspec.Struct, frozen=True):
    """Have the spawner stop an engine."""

    engine: HostedEngine


class SayExited(msgspec.Struct, frozen=True):
    """Tell the controller how an engine has ended."""

    exited: EngineExited


class Died(msgspec.Struct, frozen=True):
    """An engine has ended by itself: note and tell it. `registered`: it had; `again`: it is started again; `said`: what
    it wrote last."""

    engine: HostedEngine
    cause: str
    registered: bool
    again: bool
    said: str


class BackAgain(msgspec.Struct, frozen=True):
    """An engine that had died has registered again: note it."""

    engine: HostedEngine


class Gathered(msgspec.Struct, frozen=True):
    """Nobody waits for these engines any more: answer the request. `missing`: did not register, nor did anybody stop
    them; () as well if that does not matter any more, for the cluster stops."""

    request: int
    engines: tuple[HostedEngine, ...]
    missing: tuple[HostedEngine, ...]
    closing: bool


class Ended(msgspec.Struct, frozen=True):
    """The engines that a request wanted to end have ended, or had time enough to: answer it."""

    request: int


ForkedAction = Changed | Count | Remark | Fork | End | SayExited | Died | BackAgain | Gathered | Ended
