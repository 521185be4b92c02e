"""The engines of one host: what became of each, and which of them come back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from engineroom.cluster.lives import short_lives
from engineroom.errors import LaunchError
from engineroom.ids import Instance
from engineroom.protocol.messages import Coming


class SetExists(LaunchError):
    """There is a set of engines `name` already."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is a set of engines {name!r} already. Choose another name, or stop that set first: "
            f"`stop_engines({name!r})`"
        )


class Life(Enum):
    """Where an engine is in the life of its process."""

    PLANNED = "its process is not there yet"
    RUNNING = "its process was started"
    STOPPING = "its end is wanted"
    RETURNING = "its end is wanted, and then the next life"
    RESTING = "it has no process, between a life that ended by itself and the next"
    OVER = "it has ended for good"


class Turn(Enum):
    """What takes an engine from one part of its life to the next."""

    BEGIN = "it is its turn to be started"
    STOP = "somebody wants it to end"
    RESTART = "somebody wants it to end and to start again"
    END = "its process has ended, or never began, and it does not start again"
    FALL = "its process has ended by itself, and it starts again after a pause"


NEXT: dict[tuple[Life, Turn], Life] = {
    (Life.PLANNED, Turn.BEGIN): Life.RUNNING,
    (Life.PLANNED, Turn.STOP): Life.OVER,
    (Life.PLANNED, Turn.RESTART): Life.PLANNED,
    (Life.RUNNING, Turn.STOP): Life.STOPPING,
    (Life.RUNNING, Turn.RESTART): Life.RETURNING,
    (Life.RUNNING, Turn.END): Life.OVER,
    (Life.RUNNING, Turn.FALL): Life.RESTING,
    (Life.STOPPING, Turn.STOP): Life.STOPPING,
    (Life.STOPPING, Turn.RESTART): Life.RETURNING,
    (Life.STOPPING, Turn.END): Life.OVER,
    (Life.RETURNING, Turn.STOP): Life.STOPPING,
    (Life.RETURNING, Turn.RESTART): Life.RETURNING,
    (Life.RETURNING, Turn.BEGIN): Life.RUNNING,
    (Life.RETURNING, Turn.END): Life.OVER,
    (Life.RESTING, Turn.STOP): Life.OVER,
    (Life.RESTING, Turn.RESTART): Life.RETURNING,
    (Life.RESTING, Turn.BEGIN): Life.RUNNING,
    (Life.OVER, Turn.RESTART): Life.RETURNING,
}
"""A pair that is not here is a bug."""


@dataclass(slots=True)
class HostedEngine:
    """One engine that the host looks after, through all lives of its process.

    `key`: the host's own number for it.
    `log_file`: "" if it has none of its own.
    `engine_id`: what the controller calls it, once it has registered; `wanted_id`: what it asks for.
    `instance`: of its present or last life, b"" before the first one; so are `secret`, `pid`, `started` and `ready`: it
    has registered. HostedEngines alone changes `instance`, by which it finds engines.
    `failed`: what it ended of; `shut_down`: which is what somebody wanted.
    `short_lives`: how many lives in a row were short.
    """

    key: int
    set: str
    log_file: str = ""
    wanted_id: int | None = None
    engine_id: int | None = None
    instance: Instance = Instance(b"")  # noqa: RUF009 (bytes)
    secret: bytes = b""
    pid: int = 0
    started: float = 0.0
    ready: bool = False
    life: Life = Life.PLANNED
    failed: str = ""
    shut_down: bool = False
    short_lives: int = 0

    @property
    def label(self) -> int:
        """The number that people know it by."""
        return self.key if self.engine_id is None else self.engine_id

    @property
    def has_joined(self) -> bool:
        """Whether it has registered in this life or an earlier one."""
        return self.engine_id is not None

    @property
    def leaving(self) -> bool:
        """Whether its end is wanted."""
        return self.life is Life.STOPPING or self.life is Life.RETURNING

    @property
    def has_process(self) -> bool:
        return self.life is Life.RUNNING or self.leaving

    @property
    def to_come(self) -> bool:
        """Whether it has not registered in this life, or is to do so in the next, which somebody wants."""
        return not self.ready if self.life is Life.RUNNING else self.life is not Life.STOPPING

    def go(self, turn: Turn) -> None:
        """Pass on to the next part of its life."""
        self.life = NEXT[self.life, turn]

    def begin_life(self, now: float, secret: bytes) -> None:
        """A new process is about to start, which asks for the id that it had."""
        self.go(Turn.BEGIN)
        self.secret = secret
        self.pid, self.ready, self.failed, self.shut_down = 0, False, "", False
        self.started = now
        if self.engine_id is not None:
            self.wanted_id = self.engine_id

    def fallen(self, now: float) -> None:
        """Note that its life has ended `now`, by itself."""
        self.short_lives = short_lives.after(self.short_lives, lasted=now - self.started)

    @property
    def worn_out(self) -> bool:
        """Whether it makes no sense to start it again."""
        return short_lives.worn_out(self.short_lives)

    @property
    def pause(self) -> float:
        """The seconds to wait before its next life."""
        return short_lives.pause(self.short_lives)


class HostedEngines:
    """All engines of a host, in sets that were started together. To find one takes no longer if there are many."""

    def __init__(self) -> None:
        self._by_key: dict[int, HostedEngine] = {}
        self._by_instance: dict[Instance, HostedEngine] = {}
        self._sets: dict[str, dict[int, HostedEngine]] = {}
        self._retired: dict[int, HostedEngine] = {}
        self._last_key = -1
        self._last_set = 0

    def __iter__(self) -> Iterator[HostedEngine]:
        return iter(tuple(self._by_key.values()))

    def __len__(self) -> int:
        return len(self._by_key)

    def new_set(self, name: str = "", *, taken: Iterable[str] = ()) -> str:
        """Return a name for a new set: `name`, or the next free number; SetExists: there is such a set.

        `taken`: names of sets of which no engine may be known yet.
        """
        used = {*self._sets, *taken}
        if name in used:
            raise SetExists(name)
        while not name:
            self._last_set += 1
            name = str(self._last_set) if str(self._last_set) not in used else ""
        self.forget_retired(name)  # they were of an earlier set of this name
        return name

    def go_on_from(self, key: int) -> None:
        """Have the next engine get `key`: one that was not used yet."""
        self._last_key = max(self._last_key, key - 1)

    def add(self, name: str, *, wants_key_as_id: bool) -> HostedEngine:
        """Return a new engine of the set `name`; its log file is still to be named."""
        self._last_key = key = self._last_key + 1
        engine = HostedEngine(key, name, wanted_id=key if wants_key_as_id else None)
        self._keep(engine)
        return engine

    def _keep(self, engine: HostedEngine) -> None:
        self._by_key[engine.key] = self._sets.setdefault(engine.set, {})[engine.key] = engine

    def identify(self, engine: HostedEngine, instance: Instance) -> None:
        """Note which instance an engine is in this life."""
        self._by_instance.pop(engine.instance, None)
        engine.instance = instance
        self._by_instance[instance] = engine

    def get(self, key: int) -> HostedEngine | None:
        return self._by_key.get(key)

    def of(self, instance: Instance) -> HostedEngine | None:
        """Return the engine whose present life is `instance`."""
        return self._by_instance.get(instance)

    def last_known_as(self, instance: Instance) -> HostedEngine | None:
        """Return the engine whose present or last life is `instance`, also if it has ended and is started no more."""
        return self.of(instance) or next((each for each in self.retired("") if each.instance == instance), None)

    def in_set(self, name: str) -> list[HostedEngine]:
        """Return the engines of the set `name`, all engines for ""."""
        return list((self._sets.get(name, {}) if name else self._by_key).values())

    def count(self, name: str) -> int:
        """Return how many engines the set `name` has."""
        return len(self._sets.get(name, ()))

    def sets(self) -> dict[str, list[HostedEngine]]:
        return {name: list(engines.values()) for name, engines in self._sets.items()}

    def coming(self, *, restarts: bool) -> Coming:
        """Return what the controller is to know of those that have not joined yet."""
        coming = [engine for engine in self if engine.to_come]
        return Coming(len(coming), sum(engine.engine_id is not None for engine in coming), restarts)

    def drop(self, engine: HostedEngine) -> None:
        """Forget an engine, if it is among these."""
        if self._by_key.pop(engine.key, None) is None:
            return
        self._by_instance.pop(engine.instance, None)
        del self._sets[engine.set][engine.key]
        if not self._sets[engine.set]:
            del self._sets[engine.set]

    def retire(self, engine: HostedEngine) -> None:
        """Forget an engine until its set is restarted: it has ended, and its host did not stop it.

        Of sets of which nobody is left, only the last one is remembered.
        """
        self.drop(engine)
        self._retired[engine.key] = engine
        left = {engine.set, *self._sets}
        self._retired = {key: each for key, each in self._retired.items() if each.set in left}

    def retired(self, name: str) -> list[HostedEngine]:
        """Return those of the set `name`, "" for all sets, that have ended and belong to it."""
        return [engine for engine in self._retired.values() if not name or engine.set == name]

    def recall(self, engine: HostedEngine) -> None:
        """Have an engine that has ended among the others again."""
        del self._retired[engine.key]
        self._keep(engine)

    def forget_retired(self, name: str) -> None:
        """Have engines of the set `name`, "" for all sets, that have ended belong to it no more."""
        for engine in self.retired(name):
            del self._retired[engine.key]


def ready_ids(engines: Iterable[HostedEngine]) -> list[int]:
    """Return the ids of those of `engines` that have registered."""
    return sorted(engine.engine_id for engine in engines if engine.ready and engine.engine_id is not None)
