"""What happens to the engines of a host: what people ask, what launchers, the spawner and the controller say."""

from __future__ import annotations

import msgspec

from engineroom.cluster.launchers.status import Handle, Status
from engineroom.ids import Instance
from engineroom.protocol.messages import EngineExited


class Tick(msgspec.Struct, frozen=True):
    """Time has passed."""


class Closed(msgspec.Struct, frozen=True):
    """The cluster is stopping."""


class Joined(msgspec.Struct, frozen=True):
    """The controller has let an engine in. `set`: that it says it belongs to, None for one that no launcher started."""

    instance: Instance
    engine_id: int
    set: str | None = None


# Of sets that a launcher starts:


class StartSet(msgspec.Struct, frozen=True):
    """Somebody wants `n` engines, as a set of this name, which is free."""

    set: str
    n: int


class StopSets(msgspec.Struct, frozen=True):
    """Somebody wants these sets to end, which are started."""

    sets: tuple[str, ...]


class RestartSets(msgspec.Struct, frozen=True):
    """Somebody wants these sets to end and to start again."""

    sets: tuple[str, ...]


class Launched(msgspec.Struct, frozen=True):
    """The launcher has started a set."""

    launch: int
    handle: Handle
    log_file: str


class NotLaunched(msgspec.Struct, frozen=True):
    """The launcher could not start a set."""

    launch: int
    words: str


class Heard(msgspec.Struct, frozen=True):
    """The launcher says what the status of a set is."""

    launch: int
    status: Status


class NotHeard(msgspec.Struct, frozen=True):
    """The launcher says why it can't query the status of a set."""

    launch: int
    problem: str


class Stopped(msgspec.Struct, frozen=True):
    """The launcher has stopped a set."""

    launch: int


class NotStopped(msgspec.Struct, frozen=True):
    """The launcher could not stop a set."""

    launch: int
    words: str


class Left(msgspec.Struct, frozen=True):
    """The controller has lost an engine."""

    instance: Instance
    cause: str


# Of engines that the spawner forks, which have numbers (`HostedEngine.key`), as has each request:


class StartEngines(msgspec.Struct, frozen=True):
    """Somebody wants these new engines to run."""

    request: int
    keys: tuple[int, ...]


class StopEngines(msgspec.Struct, frozen=True):
    """Somebody wants these engines to end."""

    request: int
    keys: tuple[int, ...]


class RestartEngines(msgspec.Struct, frozen=True):
    """Somebody wants these engines to end and to start again."""

    request: int
    keys: tuple[int, ...]


class Forked(msgspec.Struct, frozen=True):
    """The spawner has forked an engine."""

    key: int
    pid: int


class NotForked(msgspec.Struct, frozen=True):
    """The spawner could not fork an engine. `last_line`: of its log, "" if there is none."""

    key: int
    problem: str
    last_line: str = ""


class Exited(msgspec.Struct, frozen=True):
    """The process of an engine has ended. `said`: by the spawner; `last_line`: of the log of one that never registered,
    "" if there is none. `asked`: with code 0, whether it ended because it was shut down."""

    key: int
    code: int
    said: EngineExited
    last_line: str = ""
    asked: bool = True


class SpawnerDied(msgspec.Struct, frozen=True):
    """The spawner has died, and all its engines with it; another one is to come."""

    cause: str


SetEvent = (
    Tick
    | Closed
    | Joined
    | StartSet
    | StopSets
    | RestartSets
    | Launched
    | NotLaunched
    | Heard
    | NotHeard
    | Stopped
    | NotStopped
    | Left
)

ForkedEvent = (
    Tick | Closed | Joined | StartEngines | StopEngines | RestartEngines | Forked | NotForked | Exited | SpawnerDied
)
