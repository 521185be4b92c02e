"""What goes wrong in a run, drawn from a seed: who is killed, stopped or cut off, and when."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

KILL, STOP, CUT, FREEZE = "kill", "stop", "cut", "freeze"

CONTROLLER, ENGINE, SPAWNER, HOST, CLIENT = "controller", "engine", "spawner", "host", "client"

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
        which = f" {self.which}" if self.whom == ENGINE else ""
        lasts = "" if self.what == KILL else f" for {self.lasts:.2f} s"
        return f"after {self.after:.2f} s: {self.what} {self.whom}{which}{lasts}"


def draw(
    seed: int, n: int, *, within: float, kinds: Sequence[tuple[str, str]] = KINDS, longest: float = 1.0
) -> list[Fault]:
    """Return `n` faults within about so many seconds: of each kind one before any comes twice."""
    dice = random.Random(seed)
    chosen: list[tuple[str, str]] = []
    while len(chosen) < n:
        chosen += dice.sample(kinds, len(kinds))
    return [
        Fault(dice.uniform(0.3, 1.7) * within / n, what, whom, dice.randrange(1000), dice.uniform(0.05, longest))
        for what, whom in chosen[:n]
    ]
