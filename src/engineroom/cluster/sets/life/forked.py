"""The life of the engines that a spawner forks, decided: started, watched, restarted, stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never

import msgspec

from engineroom.cluster.lives.short_lives import MOST_SHORT_LIVES, STABLE_SECONDS
from engineroom.cluster.sets.hosted import HostedEngine, HostedEngines, Life, Turn
from engineroom.cluster.sets.life import actions, events
from engineroom.cluster.sets.life.waits import Gathering, Leaving
from engineroom.ids import Instance
from engineroom.protocol.messages import Coming, EngineExited
from engineroom.protocol.texts import last_output

STOPPED = "stopped by its host"
WORN_OUT = (
    f"; it is not restarted, for it died {MOST_SHORT_LIVES} times in a row within {STABLE_SECONDS:g} s of its start"
)


class ForkedLife:
    """All engines of a spawner. `handle(event, now)` returns what is to be done; `wake` says when the next Tick is due.

    `draw`: returns a new secret and the instance that it proves.
    `own_controller`: the host has the controller as well, so that it hears of each registration in time.
    `restarts`: engines that die are started again.
    `delay`: seconds between two forks; `late`: that engines may take to register; `stop`: that they may take to end.
    `place`: where logs are, as a suffix.
    """

    def __init__(
        self,
        *,
        draw: Callable[[], tuple[bytes, Instance]],
        own_controller: bool,
        restarts: bool,
        delay: float,
        late: float,
        stop: float,
        place: str = "",
    ) -> None:
        self.engines = HostedEngines()
        self.closing = False
        self._draw, self._own_controller, self._restarts = draw, own_controller, restarts
        self._delay, self._late, self._stop_seconds, self._place = delay, late, stop, place
        self._begins: dict[int, float] = {}  # when those that have no process are to get one
        self._died: set[int] = set()
        self._gatherings: list[Gathering] = []
        self._leavings: list[Leaving] = []
        self._now, self._out = 0.0, list[actions.ForkedAction]()

    def coming(self) -> Coming:
        """Return how many engines have not joined yet, and are to."""
        return Coming() if self.closing else self.engines.coming(restarts=self._restarts)

    def wake(self) -> float | None:
        """Return when a Tick is due; None: never."""
        gatherings, leavings = [each.deadline for each in self._gatherings], [each.deadline for each in self._leavings]
        return min((*self._begins.values(), *gatherings, *leavings), default=None)

    def handle(self, event: events.ForkedEvent, now: float) -> list[actions.ForkedAction]:
        """Take `event`; return what must be done about it, in order."""
        self._now, self._out = now, []
        self._take(event)
        self._answer()
        return self._out

    def _take(self, event: events.ForkedEvent) -> None:  # noqa: C901 (one match, which serves as a table of contents)
        match event:
            case events.StartEngines(request, keys):
                self._start(request, self._of(keys))
            case events.StopEngines(request, keys):
                self._stop(request, self._of(keys))
            case events.RestartEngines(request, keys):
                self._restart(request, (*self._of(keys), *self._retired(keys)))
            case events.Forked(key, pid):
                if (engine := self.engines.get(key)) is not None:
                    engine.pid = pid
            case events.NotForked(key, problem, last_line):
                if (engine := self.engines.get(key)) is not None and engine.has_process:
                    self._lost(engine, problem, by_itself=True, last_line=last_line)
            case events.Exited(key, code, said, last_line, asked):
                self._exited(self.engines.get(key), said, last_line, well=code == 0 and asked)
            case events.SpawnerDied(cause):
                self._spawner_died(cause)
            case events.Joined(instance, engine_id, _):
                self._joined(instance, engine_id)
            case events.Closed():
                self.closing = True
                self._begins.clear()
            case events.Tick():
                self._begin_those_due()
            case _:
                assert_never(event)

    def _do(self, action: actions.ForkedAction) -> None:
        self._out.append(action)

    def _of(self, keys: Iterable[int]) -> tuple[HostedEngine, ...]:
        return tuple(engine for key in keys if (engine := self.engines.get(key)) is not None)

    def _retired(self, keys: Iterable[int]) -> tuple[HostedEngine, ...]:
        wanted = frozenset(keys)
        return tuple(engine for engine in self.engines.retired("") if engine.key in wanted)

    # Starts

    def _start(self, request: int, engines: tuple[HostedEngine, ...]) -> None:
        last = self._now
        self._do(actions.Changed())
        for number, engine in enumerate(engines):
            last = self._now + number * self._delay
            if last > self._now:
                self._begins[engine.key] = last
            else:
                self._begin(engine)
        self._gatherings.append(Gathering(request, engines, last + self._late))

    def _begin(self, engine: HostedEngine) -> None:
        self._begins.pop(engine.key, None)
        secret, instance = self._draw()
        self.engines.identify(engine, instance)
        engine.begin_life(self._now, secret)
        self._do(actions.Fork(engine))

    def _begin_those_due(self) -> None:
        for key in [key for key, when in self._begins.items() if when <= self._now]:
            for engine in self._of((key,)):
                self._begin(engine)

    def _joined(self, instance: Instance, engine_id: int) -> None:
        engine = self.engines.of(instance)
        if engine is None or engine.ready:
            return
        engine.engine_id = engine_id
        if engine.life is Life.RESTING:
            return  # it has died since: it is its next life that is to come
        engine.ready = True
        if engine.key in self._died:
            self._do(actions.BackAgain(engine))
        self._do(actions.Count(sum([each.ready for each in self.engines]), len(self.engines)))
        self._do(actions.Changed())

    # Ends that are wanted

    def _stop(self, request: int, engines: tuple[HostedEngine, ...]) -> None:
        for engine in engines:
            before = engine.life
            engine.go(Turn.STOP)
            if engine.life is Life.OVER:  # there was nobody to be told
                self._forget(engine, STOPPED, by_itself=False)
                self._do(actions.Changed())
            elif before is Life.RUNNING:
                self._do(actions.End(engine))
        self._leavings.append(Leaving(request, engines, self._now + self._stop_seconds))

    def _restart(self, request: int, engines: tuple[HostedEngine, ...]) -> None:
        for engine in engines:
            if engine.life is Life.OVER:
                self.engines.recall(engine)
        instances = {engine.key: engine.instance for engine in engines}
        before = [engine.life for engine in engines]
        for engine in engines:
            engine.go(Turn.RESTART)
            engine.short_lives = 0
        self._do(actions.Changed())  # the controller is to know of it before the first one ends
        for engine, life in zip(engines, before, strict=True):
            if life in {Life.RESTING, Life.OVER}:
                self._begin(engine)
            elif life is Life.RUNNING:
                self._do(actions.End(engine))
        self._gatherings.append(
            Gathering(request, engines, self._now + self._stop_seconds, before=instances, seconds=self._late)
        )

    # Ends that have come

    def _exited(self, engine: HostedEngine | None, said: EngineExited, last_line: str, *, well: bool) -> None:
        told = said
        if engine is not None and engine.leaving:
            told = msgspec.structs.replace(said, cause=STOPPED, own=False, words="")
        elif engine is not None:
            told = msgspec.structs.replace(said, words=self._last_words(engine, said.words))
        its_own = engine is not None and engine.instance == said.instance and engine.has_process
        if engine is not None and its_own and not self.closing:
            # First, so that the controller knows whether it comes back when it hears of its end.
            self._life_ended(engine, told.cause, said=said.words, last_line=last_line, well=well)
            if engine.life is Life.OVER and engine.worn_out:
                told = msgspec.structs.replace(told, cause=f"{told.cause}{WORN_OUT}")
        self._do(actions.SayExited(told))

    def _spawner_died(self, cause: str) -> None:
        """All engines have ended with it, and none of them is to blame."""
        for engine in self.engines:
            if not engine.has_process or self.closing:
                continue
            exited = EngineExited(engine.instance, STOPPED if engine.leaving else cause)
            if engine.life is Life.RETURNING:
                self._begin(engine)
            else:
                self._lost(engine, cause, by_itself=not engine.leaving, again=self._restarts and not engine.leaving)
            self._do(actions.SayExited(exited))

    def _last_words(self, engine: HostedEngine, said: str) -> str:
        """Return what an engine wrote last, and where its log is, as lines for people."""
        log_file = f"Its log: {engine.log_file}{self._place}"
        return f"{last_output(said)}\n{log_file}" if said else log_file

    def _life_ended(self, engine: HostedEngine, cause: str, *, said: str, last_line: str, well: bool) -> None:
        if engine.life is Life.RETURNING:
            self._begin(engine)
            self._do(actions.Changed())
            return
        # Of another's controller we may hear too late, or never, that it had let the engine in.
        let_in = engine.ready or not self._own_controller
        by_itself = not engine.leaving and (not well or not let_in)
        self._lost(engine, cause, by_itself=by_itself, said=said, last_line=last_line)

    def _lost(
        self,
        engine: HostedEngine,
        cause: str,
        *,
        by_itself: bool,
        said: str = "",
        last_line: str = "",
        again: bool | None = None,
    ) -> None:
        """`again`: it is started again, None: if that makes sense."""
        if again is None:
            again = by_itself and self._may_return(engine)
        if by_itself:
            self._died.add(engine.key)
            if not engine.ready and last_line:
                cause = f"{cause}; the last line of its log: {last_line}"
            if engine.worn_out:
                cause += WORN_OUT
            self._do(actions.Died(engine, cause, engine.ready, again, said))
        elif not engine.leaving:
            self._do(actions.Remark(f"engine {engine.label} was shut down"))
        if again:
            engine.go(Turn.FALL)
            engine.ready = False
            self._begins[engine.key] = self._now + engine.pause
        else:
            for_good = engine.life is Life.STOPPING
            engine.go(Turn.END)
            self._forget(engine, cause, by_itself=by_itself)
            if not for_good:
                self.engines.retire(engine)
        self._do(actions.Changed())

    def _may_return(self, engine: HostedEngine) -> bool:
        """Whether an engine whose life has ended by itself is started again: not if it could not even start once."""
        if self.closing or not self._restarts or engine.leaving or not (engine.ready or engine.has_joined):
            return False
        engine.fallen(self._now)
        return not engine.worn_out

    def _forget(self, engine: HostedEngine, cause: str, *, by_itself: bool) -> None:
        self._begins.pop(engine.key, None)
        engine.ready, engine.failed, engine.shut_down = False, cause, not by_itself
        self.engines.drop(engine)

    # Answers

    def _answer(self) -> None:
        for gathering in tuple(self._gatherings):
            gathering.renew(self._now)
            if self.closing or gathering.over(self._now):
                self._gatherings.remove(gathering)
                self._do(actions.Gathered(gathering.request, gathering.engines, gathering.missing(), self.closing))
        for leaving in tuple(self._leavings):
            if self.closing or leaving.over(self._now):
                self._leavings.remove(leaving)
                self._do(actions.Ended(leaving.request))
