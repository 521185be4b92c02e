"""What goes wrong in a run, drawn from a seed: who is killed, stopped or cut off, and when."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

KILL, STOP, CUT, FREEZE = "kill", "stop", "cut", "freeze"

CONTROLLER, ENGINE, SPAWNER, HOST, CLIENT, MACHINE = "controller", "engine", "spawner", "host", "client", "machine"

KINDS: Sequence[tuple[str, str]] = (
    (KILL, CONTROLLER),
    (KILL, ENGINE),
    (KILL, SPAWNER),
    (STOP, CONTROLLER),
    (STOP, ENGINE),
    (STOP, SPAWNER),
    (STOP, HOST),
    (CUT, CLIENT),
    (FREEZE, CLIENT),
)
"""What a run survives without anybody's help."""

ON_MACHINES = (
    (KILL, CONTROLLER),
    (KILL, ENGINE),
    (KILL, SPAWNER),
    (STOP, CONTROLLER),
    (STOP, ENGINE),
    (CUT, MACHINE),
    (CUT, MACHINE),
)
"""The same of a cluster on several machines."""

KILLS = tuple(kind for kind in KINDS if kind[0] == KILL)


@dataclass(frozen=True)
class Fault:
    """`after`: seconds after the one before it; `which`: of several engines, the one with this number, counted round;
    `lasts`: seconds until what was stopped or cut off goes on."""

    after: float
    what: str
    whom: str
    which: int
    lasts: float

    def __str__(self) -> str:
        which = f" {self.which}" if self.whom in {ENGINE, MACHINE} else ""
        lasts = "" if self.what == KILL else f" for {self.lasts:.2f} s"
        return f"after {self.after:.2f} s: {self.what} {self.whom}{which}{lasts}"


def draw(
    seed: int, n: int, *, within: float, kinds: Sequence[tuple[str, str]] = KINDS, longest: float = 1.0
) -> list[Fault]:
    """Return `n` faults within about so many seconds: of each kind one before any comes twice.

    Nothing but an engine is killed so often that its host would give it up: five times in a row, soon after its start.
    """
    dice = random.Random(seed)
    chosen: list[tuple[str, str]] = []
    while len(chosen) < n:
        chosen += dice.sample(kinds, len(kinds))
    faults: list[Fault] = []
    at, killed = 0.0, dict[str, list[float]]()
    for what, whom in chosen[:n]:
        after, which, lasts = dice.uniform(0.3, 1.7) * within / n, dice.randrange(1000), dice.uniform(0.05, longest)
        at += after
        spared = what == KILL and whom != ENGINE and _was_killed_often(killed.setdefault(whom, []), at)
        if what == KILL and not spared:
            killed.setdefault(whom, []).append(at)
        faults.append(Fault(after, what, ENGINE if spared else whom, which, lasts))
    return faults


def _was_killed_often(before: list[float], now: float) -> bool:
    return len(before) >= _IN_A_ROW and now - before[-_IN_A_ROW] < _IN_A_ROW * _SOON


_IN_A_ROW, _SOON = 3, 8.0
"""Kills of one process beyond which it is spared until so many seconds for each have passed."""
