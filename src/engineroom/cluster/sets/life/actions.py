"""What is to be done about engines of a host: by launchers and the spawner, and whom to tell."""

from __future__ import annotations

from typing import NamedTuple

from engineroom.cluster.sets.hosted import HostedEngine
from engineroom.ids import Instance
from engineroom.protocol.messages import EngineExited


class Changed(NamedTuple):
    """What the controller knows, or the cluster file says, of engines is no longer so."""


class Count(NamedTuple):
    """Tell the owner that so many engines of `n` are ready."""

    ready: int
    n: int


class Remark(NamedTuple):
    """Tell the owner something."""

    words: str


# Of sets that a launcher starts:


class Launch(NamedTuple):
    """Have the launcher start a set; the answer is Launched or NotLaunched."""

    launch: int
    set: str
    n: int


class Watch(NamedTuple):
    """Have the launcher polled about a set; the answers are Heard or NotHeard, again and again."""

    launch: int


class Unwatch(NamedTuple):
    """Poll the launcher about a set no more."""

    launch: int


class Stop(NamedTuple):
    """Have the launcher stop a set; the answer is Stopped or NotStopped."""

    launch: int


class Dismiss(NamedTuple):
    """Have the controller tell these engines to end."""

    engine_ids: tuple[int, ...]


class SayGone(NamedTuple):
    """Tell the controller that an engine has ended, which it has not noticed."""

    instance: Instance
    cause: str


class Queued(NamedTuple):
    """A set waits, and that is news: note and tell it."""

    set: str
    words: str
    fix: str = ""


class NotAsked(NamedTuple):
    """The status of a set can't be queried, and that is news: log it. `waited_for`: and tell those who wait."""

    problem: str
    waited_for: bool


class EngineLost(NamedTuple):
    """An engine of a launcher has ended: note and tell it."""

    label: int
    cause: str
    log_file: str


class SetEnded(NamedTuple):
    """A set has ended by itself: note it."""

    set: str
    words: str
    fix: str = ""


class SetComplete(NamedTuple):
    """All engines of a set have registered: note it; the start is over."""

    set: str
    n: int


class SetShort(NamedTuple):
    """Engines of a set will not come: note it; the start is over.

    `missing`: how many of `n`; `how`: they have ended, None if they are late; `failed`: not one came.
    """

    set: str
    missing: int
    n: int
    how: str | None
    log_file: str
    failed: bool


class StartOver(NamedTuple):
    """The start of a set is over, because its end is wanted. `problem`: it is to fail with these words."""

    set: str
    problem: str = ""


class StopOver(NamedTuple):
    """A set has been stopped. `problem`: it could not be."""

    set: str
    problem: str = ""


Done = Changed | Launch | Watch | Unwatch | Stop | Dismiss | SayGone
Told = Count | Remark | Queued | NotAsked | EngineLost | SetEnded
Over = SetComplete | SetShort | StartOver | StopOver
SetAction = Done | Told | Over


# Of engines that the spawner forks:


class Fork(NamedTuple):
    """Have the spawner fork an engine: its next life has begun."""

    engine: HostedEngine


class End(NamedTuple):
    """Have the spawner stop an engine."""

    engine: HostedEngine


class SayExited(NamedTuple):
    """Tell the controller how an engine has ended."""

    exited: EngineExited


class Died(NamedTuple):
    """An engine has ended by itself: note and tell it. `registered`: it had; `again`: it is started again; `said`: what
    it wrote last."""

    engine: HostedEngine
    cause: str
    registered: bool
    again: bool
    said: str


class BackAgain(NamedTuple):
    """An engine that had died has registered again: note it."""

    engine: HostedEngine


class Gathered(NamedTuple):
    """Nobody waits for these engines any more: answer the request. `missing`: did not register, nor did anybody stop
    them; () as well if that does not matter any more, for the cluster stops."""

    request: int
    engines: tuple[HostedEngine, ...]
    missing: tuple[HostedEngine, ...]
    closing: bool


class Ended(NamedTuple):
    """The engines that a request wanted to end have ended, or had time enough to: answer it."""

    request: int


ForkedAction = Changed | Count | Remark | Fork | End | SayExited | Died | BackAgain | Gathered | Ended
