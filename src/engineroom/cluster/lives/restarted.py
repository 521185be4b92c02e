"""The life of what a host keeps running: its controller in its seat, its spawner. Pure: events in, actions out."""

from __future__ import annotations

from enum import Enum

import msgspec

from engineroom.cluster.lives.short_lives import MOST_SHORT_LIVES, STABLE_SECONDS, after, pause, worn_out


class Stage(Enum):
    """Where it is in its life."""

    BEGINNING = "it is being started for the first time"
    WORKING = "it does its work"
    RESTING = "it has died, and is started again after a pause"
    RETURNING = "it is being started again"
    LEAVING = "its end is wanted"
    OVER = "it has ended for good"


class Turn(Enum):
    """What takes it from one stage to the next."""

    BE_READY = "it has begun to do its work"
    FALL = "it has died, or did not start again, and is worth another try"
    RISE = "the pause is over"
    STOP = "somebody wants it to end"
    END = "it has ended, and is not started again"


NEXT: dict[tuple[Stage, Turn], Stage] = {
    (Stage.BEGINNING, Turn.BE_READY): Stage.WORKING,
    (Stage.BEGINNING, Turn.STOP): Stage.LEAVING,
    (Stage.BEGINNING, Turn.END): Stage.OVER,
    (Stage.WORKING, Turn.FALL): Stage.RESTING,
    (Stage.WORKING, Turn.STOP): Stage.LEAVING,
    (Stage.WORKING, Turn.END): Stage.OVER,
    (Stage.RESTING, Turn.RISE): Stage.RETURNING,
    (Stage.RESTING, Turn.STOP): Stage.OVER,
    (Stage.RETURNING, Turn.BE_READY): Stage.WORKING,
    (Stage.RETURNING, Turn.FALL): Stage.RESTING,
    (Stage.RETURNING, Turn.STOP): Stage.LEAVING,
    (Stage.RETURNING, Turn.END): Stage.OVER,
    (Stage.LEAVING, Turn.END): Stage.OVER,
}
"""A pair that is not here is a bug."""


class Ready(msgspec.Struct, frozen=True):
    """It does its work: a controller listens."""


class Ended(msgspec.Struct, frozen=True):
    """It has ended, or could not be started. `words`: how; `clean`: because somebody outside of the host ended it in
    order."""

    words: str
    clean: bool = False


class Stop(msgspec.Struct, frozen=True):
    """The host wants it to end."""


class Tick(msgspec.Struct, frozen=True):
    """Time has passed."""


Event = Ready | Ended | Stop | Tick


class Fallen(msgspec.Struct, frozen=True):
    """Tell that it has died, and that it is started again in `pause` seconds."""

    words: str
    pause: float


class Rise(msgspec.Struct, frozen=True):
    """Start it again; the answer is Ready or Ended."""


class Back(msgspec.Struct, frozen=True):
    """Tell that it works again. `restarts`: so many times it has been started again."""

    restarts: int


class Over(msgspec.Struct, frozen=True):
    """Tell that it has ended for good, without the host's wanting it. `given_up`: it died too often."""

    words: str
    clean: bool
    given_up: bool = False


Action = Fallen | Rise | Back | Over


class RestartedLife:
    """`handle(event, now)` returns what is to be done; `wake` says when the next Tick is due.

    `what`: its name, for words; `restarts`: it is started again if it dies. It is being started when this is made,
    at `now`.
    """

    def __init__(self, what: str, now: float, *, restarts: bool = True) -> None:
        self.what = what
        self.stage = Stage.BEGINNING
        self.restarts = 0
        self._again, self._started = restarts, now
        self._short_lives, self._rises = 0, 0.0

    def wake(self) -> float | None:
        """Return when a Tick is due; None: never."""
        return self._rises if self.stage is Stage.RESTING else None

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take `event`; return what must be done about it, in order."""
        match event:
            case Ready():
                return self._ready()
            case Ended():
                return self._ended(event, now)
            case Stop():
                if self.stage not in {Stage.LEAVING, Stage.OVER}:
                    self._go(Turn.STOP)
                return []
            case Tick():
                return self._rise(now)

    def _go(self, turn: Turn) -> None:
        self.stage = NEXT[self.stage, turn]

    def _ready(self) -> list[Action]:
        if self.stage not in {Stage.BEGINNING, Stage.RETURNING}:
            return []  # its end has been wanted meanwhile
        again = self.stage is Stage.RETURNING
        self._go(Turn.BE_READY)
        self.restarts += again
        return [Back(self.restarts)] if again else []

    def _ended(self, ended: Ended, now: float) -> list[Action]:
        if self.stage in {Stage.OVER, Stage.RESTING}:
            return []
        if self.stage in {Stage.LEAVING, Stage.BEGINNING} or ended.clean or not self._again:
            told = self.stage is Stage.WORKING or self.stage is Stage.RETURNING
            self._go(Turn.END)
            return [Over(ended.words, ended.clean)] if told else []
        # What did not even start has not lived, however long that took.
        lasted = now - self._started if self.stage is Stage.WORKING else 0.0
        self._short_lives = after(self._short_lives, lasted=lasted)
        if worn_out(self._short_lives):
            self._go(Turn.END)
            return [Over(f"{ended.words}{self._worn_out()}", clean=False, given_up=True)]
        self._go(Turn.FALL)
        self._rises = now + pause(self._short_lives)
        return [Fallen(ended.words, pause(self._short_lives)), *self._rise(now)]

    def _worn_out(self) -> str:
        return (
            f"; {self.what} is not restarted again, because it died {MOST_SHORT_LIVES} times in a row within "
            f"{STABLE_SECONDS:g} s of its start"
        )

    def _rise(self, now: float) -> list[Action]:
        if self.stage is not Stage.RESTING or now < self._rises:
            return []
        self._go(Turn.RISE)
        self._started = now
        return [Rise()]
