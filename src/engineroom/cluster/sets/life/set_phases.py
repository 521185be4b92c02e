"""The phases of a set of engines that a launcher starts, as a table: a pair that is not in it is a bug."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from engineroom.cluster.launchers.status import Handle, State, Status
from engineroom.ids import Instance


class Phase(Enum):
    """How far a set has come."""

    LAUNCHING = "the launcher has been asked to start it"
    GATHERING = "it was started, and somebody waits for its engines"
    SETTLED = "nobody waits for engines of it any more"
    PARTING = "it has ended, and the controller has not said yet that all its engines have left"
    STOPPING = "the launcher has been asked to stop it"
    STUCK = "the launcher could not stop it"
    RETURNING = "it was stopped, and is to be started again when it is its turn"
    GONE = "nothing is left of it"


class Cause(Enum):
    """What takes a set from one phase to the next."""

    LAUNCHED = "the launcher has started it"
    TOO_LATE = "the launcher has started it, but the cluster is stopping"
    NOT_LAUNCHED = "the launcher could not start it"
    COMPLETE = "all its engines have registered"
    GIVEN_UP = "those that are missing will not come, or are late"
    ENDED = "its processes have ended"
    PARTED = "all its engines have left, or had time enough to"
    STOP = "somebody wants it to stop, or to start again"
    STOPPED = "the launcher has stopped it"
    NOT_STOPPED = "the launcher says that it can't stop it"
    TO_RETURN = "the launcher has stopped it, and it is to start again"
    TURN = "it is its turn to start again"
    CANCELLED = "the cluster is stopping, so that it will not start again"


NEXT: dict[tuple[Phase, Cause], Phase] = {
    (Phase.LAUNCHING, Cause.LAUNCHED): Phase.GATHERING,
    (Phase.LAUNCHING, Cause.TOO_LATE): Phase.STOPPING,
    (Phase.LAUNCHING, Cause.NOT_LAUNCHED): Phase.GONE,
    (Phase.GATHERING, Cause.COMPLETE): Phase.SETTLED,
    (Phase.GATHERING, Cause.GIVEN_UP): Phase.SETTLED,
    (Phase.GATHERING, Cause.ENDED): Phase.GONE,
    (Phase.GATHERING, Cause.STOP): Phase.STOPPING,
    (Phase.SETTLED, Cause.ENDED): Phase.PARTING,
    (Phase.SETTLED, Cause.STOP): Phase.STOPPING,
    (Phase.PARTING, Cause.PARTED): Phase.GONE,
    (Phase.PARTING, Cause.STOP): Phase.STOPPING,
    (Phase.STOPPING, Cause.STOPPED): Phase.GONE,
    (Phase.STOPPING, Cause.TO_RETURN): Phase.RETURNING,
    (Phase.STOPPING, Cause.NOT_STOPPED): Phase.STUCK,
    (Phase.STUCK, Cause.STOP): Phase.STOPPING,
    (Phase.RETURNING, Cause.TURN): Phase.LAUNCHING,
    (Phase.RETURNING, Cause.CANCELLED): Phase.GONE,
}

STARTED = frozenset({Phase.GATHERING, Phase.SETTLED, Phase.PARTING, Phase.STOPPING, Phase.STUCK})
"""A launcher has started it, and nobody has said that it is no more."""

WATCHED = frozenset({Phase.GATHERING, Phase.SETTLED})
"""The launcher is asked for its status."""

LEAVING = frozenset({Phase.STOPPING, Phase.STUCK})
"""Its end is wanted, so that nobody is told of it."""


@dataclass(slots=True)
class LaunchedSet:
    """What was started together.

    `launch`: the number of this start of it.
    `arrived`: how many engines of it have ever registered.
    `running_since`: when it was first heard to run, None while a part of it waits.
    `problem`: why its status cannot be queried.
    `returns`: its stop is the first half of a restart; `again`: this start is the second.
    `early`: engines that joined before the launcher said that they are started: a job may be quicker than that.
    `doubt`: when those that are missing are given up, though one that has ended may have been here.
    `gone`: the engines of it that have left, in all its lives; no more than `n`.
    `parting`: when the engines that have not left are said to have; `told`: that has been said.
    """

    name: str
    n: int
    launch: int
    phase: Phase = Phase.LAUNCHING
    handle: Handle = field(default_factory=dict)
    log_file: str = ""
    status: Status = field(default_factory=lambda: Status(State.WAITING))
    running_since: float | None = None
    arrived: int = 0
    problem: str = ""
    returns: bool = False
    again: bool = False
    early: list[tuple[Instance, int]] = field(default_factory=list)
    gone: list[Instance] = field(default_factory=list)
    doubt: float | None = None
    parting: float = 0.0
    told: bool = False

    def go(self, cause: Cause) -> None:
        """Pass on to the next phase."""
        self.phase = NEXT[self.phase, cause]

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits for engines of it that have not registered."""
        return self.phase is Phase.GATHERING

    @property
    def has_lived(self) -> bool:
        """Whether its start, if not this one, has brought engines."""
        return self.arrived > 0 or self.again

    def note_gone(self, instance: Instance) -> None:
        """Note that an engine of it has left."""
        self.gone.append(instance)
        del self.gone[: -self.n]

    @property
    def ended(self) -> bool:
        return self.status.state is State.ENDED

    def deadline(self, late: float) -> float | None:
        """Return when something about it is due, None: never. `late`: seconds to register, once it runs."""
        if self.phase is Phase.PARTING:
            return self.parting
        if self.phase is not Phase.GATHERING:
            return None
        if self.doubt is not None:
            return self.doubt
        return None if self.running_since is None else self.running_since + late

    def to_come(self, *, present: int) -> int:
        """Return how many engines of it can still register. `present`: are registered now."""
        if self.phase in {Phase.LAUNCHING, Phase.RETURNING} or self.returns:
            return self.n
        if self.phase is not Phase.GATHERING or self.ended:
            return 0
        return may_come(self.n, arrived=self.arrived, present=present, ended=self.status.ended)


def may_come(n: int, *, arrived: int, present: int, ended: int) -> int:
    """Return how many of `n` engines can still register.

    `arrived`: have ever registered, `present`: and have not left; `ended`: of how many the process has ended, whether
    it had registered or not.
    """
    return max(0, min(n - arrived, n - ended - present))
