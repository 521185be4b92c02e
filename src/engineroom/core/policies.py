"""Choosing an engine for a task: one class per policy, over the engines of one pool that have room.

Engines come, go and change their level by `update`; `pick` returns one with room, None if there is none.
Except for `pure`, idle engines go before busy ones. All costs are O(1) in the number of engines.
"""

from __future__ import annotations

from collections import OrderedDict
from random import Random
from typing import ClassVar, Protocol

from engineroom.core.engines import CLOSED, Engine

_TRIES = 8


class Policy(Protocol):
    """What a pool asks. `looks_at_load`: it may as well be another engine that has no more to do; `batches`: where
    many tiny tasks wait, the next few may go to the same one."""

    looks_at_load: ClassVar[bool]
    batches: ClassVar[bool]

    def update(self, engine: Engine, level: int) -> None:
        """`engine` is now at `level` (see Engine.level); CLOSED takes it out."""

    def pick(self, rng: Random) -> Engine | None:
        """Return who gets the next task."""


class LeastLoad:
    """The engine with the least work, in seconds; between equals, the one that has been so for longest.

    Engines are kept in buckets by level; a bit for each bucket says whether it is empty.
    """

    looks_at_load = batches = True
    __slots__ = ("_buckets", "_levels", "_mask")

    def __init__(self) -> None:
        self._levels: dict[Engine, int] = {}
        self._buckets: list[OrderedDict[Engine, None]] = [OrderedDict() for _ in range(64)]
        self._mask = 0

    def update(self, engine: Engine, level: int) -> None:
        old = self._levels.pop(engine, CLOSED)
        if old != CLOSED:
            bucket = self._buckets[old]
            del bucket[engine]
            if not bucket:
                self._mask &= ~(1 << old)
        if level != CLOSED:
            self._levels[engine] = level
            self._buckets[level][engine] = None
            self._mask |= 1 << level

    def pick(self, rng: Random) -> Engine | None:
        mask = self._mask
        if not mask:
            return None
        return next(iter(self._buckets[(mask & -mask).bit_length() - 1]))


class Lru:
    """The engine that has gone without a task for longest."""

    looks_at_load = batches = False
    __slots__ = ("_busy", "_idle", "_turns")

    def __init__(self) -> None:
        self._idle: OrderedDict[Engine, None] = OrderedDict()
        self._busy: OrderedDict[Engine, None] = OrderedDict()

    def update(self, engine: Engine, level: int) -> None:
        tier = self._idle if level == 0 else self._busy
        other = self._busy if level == 0 else self._idle
        other.pop(engine, None)
        if level == CLOSED:
            tier.pop(engine, None)
        else:
            tier.setdefault(engine)

    def pick(self, rng: Random) -> Engine | None:
        tier = self._idle or self._busy
        if not tier:
            return None
        engine = next(iter(tier))
        tier.move_to_end(engine)
        return engine


class Pure:
    """Each engine in turn, whatever its load."""

    looks_at_load = batches = False
    __slots__ = ("_engines",)

    def __init__(self) -> None:
        self._engines: OrderedDict[Engine, None] = OrderedDict()

    def update(self, engine: Engine, level: int) -> None:
        if level == CLOSED:
            self._engines.pop(engine, None)
        else:
            self._engines.setdefault(engine)

    def pick(self, rng: Random) -> Engine | None:
        if not self._engines:
            return None
        engine = next(iter(self._engines))
        self._engines.move_to_end(engine)
        return engine


class _Roster:
    """A set of engines with a random choice in O(1)."""

    __slots__ = ("_engines", "_places")

    def __init__(self) -> None:
        self._engines: list[Engine] = []
        self._places: dict[Engine, int] = {}

    def __len__(self) -> int:
        return len(self._engines)

    def add(self, engine: Engine) -> None:
        if engine not in self._places:
            self._places[engine] = len(self._engines)
            self._engines.append(engine)

    def discard(self, engine: Engine) -> None:
        place = self._places.pop(engine, None)
        if place is not None:
            last = self._engines.pop()
            if last is not engine:
                self._engines[place] = last
                self._places[last] = place

    def draw(self, rng: Random) -> Engine:
        return self._engines[int(rng.random() * len(self._engines))]


class PlainRandom:
    """Any engine."""

    looks_at_load = batches = False
    __slots__ = ("_busy", "_idle")

    def __init__(self) -> None:
        self._idle = _Roster()
        self._busy = _Roster()

    def update(self, engine: Engine, level: int) -> None:
        (self._busy if level == 0 else self._idle).discard(engine)
        roster = self._idle if level == 0 else self._busy
        if level == CLOSED:
            roster.discard(engine)
        else:
            roster.add(engine)

    def pick(self, rng: Random) -> Engine | None:
        roster = self._idle or self._busy
        return self._choose(roster, rng) if roster else None

    def _choose(self, roster: _Roster, rng: Random) -> Engine:
        return roster.draw(rng)


class TwoBin(PlainRandom):
    """The less loaded of two randomly chosen engines.

    The longest queue stays O(log log n) with high probability (Mitzenmacher 2001, doi:10.1109/71.963420).
    """

    looks_at_load = True
    __slots__ = ()

    def _choose(self, roster: _Roster, rng: Random) -> Engine:
        one, two = roster.draw(rng), roster.draw(rng)
        return one if one.load <= two.load else two


class Weighted(PlainRandom):
    """A randomly chosen engine, with probability proportional to 1 / (1 + tasks), by rejection."""

    looks_at_load = True
    __slots__ = ()

    def _choose(self, roster: _Roster, rng: Random) -> Engine:
        for _ in range(_TRIES):
            engine = roster.draw(rng)
            if rng.random() * (1 + len(engine.held)) < 1:
                return engine
        return roster.draw(rng)


POLICIES: dict[str, type[LeastLoad | Lru | Pure | PlainRandom]] = {
    "leastload": LeastLoad,
    "lru": Lru,
    "plainrandom": PlainRandom,
    "pure": Pure,
    "twobin": TwoBin,
    "weighted": Weighted,
}
