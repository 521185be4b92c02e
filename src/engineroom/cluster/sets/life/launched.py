"""The life of the sets of engines that a launcher starts, decided.

A launcher starts a whole set, and knows its status. The controller tells which engines of it have registered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import assert_never

from engineroom.cluster.launchers.status import Handle, State, Status
from engineroom.cluster.sets.hosted import HostedEngines, ready_ids
from engineroom.cluster.sets.life import actions, events
from engineroom.cluster.sets.life.ended_sets import EndedSets
from engineroom.cluster.sets.life.set_phases import LEAVING, STARTED, WATCHED, Cause, LaunchedSet, Phase
from engineroom.ids import Instance
from engineroom.protocol.messages import Coming

NOTICED, FAREWELL = 0.5, 2.0
"""Seconds within which a controller notices by itself that engines have ended, and when it is told so."""


class LaunchedLife:
    """All sets of a host. `handle(event, now)` returns what is to be done; `wake` says when the next Tick is due.

    `late`: seconds that engines may take to register once they run; `telling`: somebody else tells how parts of a set
    have ended.
    """

    def __init__(self, *, late: float, telling: bool = False) -> None:
        self.engines = HostedEngines()
        self.over = EndedSets()
        self.closing = False
        self._late, self._telling = late, telling
        self._sets: dict[str, LaunchedSet] = {}
        self._launches: dict[int, LaunchedSet] = {}
        self._numbers = count(1)
        self._watched: set[int] = set()
        self._now, self._out = 0.0, list[actions.SetAction]()

    def __iter__(self) -> Iterator[LaunchedSet]:
        """All sets of which something is left, or is to come."""
        return iter(tuple(self._sets.values()))

    def named(self, name: str) -> list[LaunchedSet]:
        """Return the sets that a launcher has started: that of this name, or all for ""."""
        return [each for each in self if each.phase in STARTED and name in {"", each.name}]

    def set_of(self, instance: Instance) -> str | None:
        """Return the name of the set to which this engine belongs, or belonged; None if it is being started anyway."""
        if (engine := self.engines.of(instance)) is not None:
            return engine.set
        return next((each.name for each in self.named("") if instance in each.gone), self.over.of(instance))

    def handles(self) -> dict[str, Handle]:
        return {each.name: each.handle for each in self.named("")}

    def handle_of(self, launch: int) -> Handle | None:
        """Return the handle of what was started, None if nothing of it is left."""
        known = self._launches.get(launch)
        return None if known is None else known.handle

    def busy(self) -> bool:
        """Whether something is being started or stopped."""
        return any(each.phase in {Phase.LAUNCHING, Phase.STOPPING} for each in self)

    def coming(self) -> Coming:
        """Return how many engines have not joined yet, and are to."""
        if self.closing:
            return Coming()
        again = sum(self._to_come(each) for each in self if each.again or each.returns)
        return Coming(sum(map(self._to_come, self)), again)

    def wake(self) -> float | None:
        """Return when a Tick is due; None: never."""
        return min((when for each in self if (when := each.deadline(self._late)) is not None), default=None)

    def handle(self, event: events.SetEvent, now: float) -> list[actions.SetAction]:
        """Take `event`; return what must be done about it, in order."""
        self._now, self._out = now, []
        self._take(event)
        for each in self:
            self._review(each)
        self._take_turns()
        self._watch()
        return self._out

    def _take(self, event: events.SetEvent) -> None:  # noqa: C901 (one match, which serves as a table of contents)
        match event:
            case events.StartSet(name, n):
                self._start(name, n)
            case events.StopSets(names):
                self._stop(self._started(names))
                for name in names:
                    self.over.take(name)
            case events.RestartSets(names):
                self._restart(self._started(names))
                self._recall(names)
            case events.Launched(launch, handle, log_file):
                self._launched(launch, handle, log_file)
            case events.NotLaunched(launch, words):
                self._not_launched(launch, words)
            case events.Heard(launch, status):
                self._heard(launch, status)
            case events.NotHeard(launch, problem):
                self._not_heard(launch, problem)
            case events.Stopped(launch):
                self._stopped(launch)
            case events.NotStopped(launch, words):
                self._not_stopped(launch, words)
            case events.Joined(instance, engine_id, name):
                self._joined(instance, engine_id, self._sets.get(name or ""))
            case events.Left(instance, cause):
                self._left(instance, cause)
            case events.Closed():
                self.closing = True
                self.over.clear()
                self._stop(self.named(""))
            case events.Tick():
                pass  # whatever is due is done after each event
            case _:
                assert_never(event)

    def _do(self, action: actions.SetAction) -> None:
        self._out.append(action)

    def _started(self, names: Iterable[str]) -> list[LaunchedSet]:
        return [self._sets[name] for name in names if name not in self.over]

    def _watch(self) -> None:
        """Have those watched whose status matters, and no others."""
        watched = {each.launch for each in self if each.phase in WATCHED}
        for launch in sorted(watched ^ self._watched):
            self._do(actions.Watch(launch) if launch in watched else actions.Unwatch(launch))
        self._watched = watched

    # Starts

    def _start(self, name: str, n: int) -> None:
        if self.closing:
            self._do(actions.StartOver(name, _too_late(name)))
            return
        self.over.take(name)  # it was an earlier set of this name
        self._launch(LaunchedSet(name, n, next(self._numbers)))

    def _launch(self, new: LaunchedSet) -> None:
        self._sets[new.name] = self._launches[new.launch] = new
        self._do(actions.Changed())
        self._do(actions.Launch(new.launch, new.name, new.n))

    def _launched(self, launch: int, handle: Handle, log_file: str) -> None:
        started = self._launches[launch]
        started.handle, started.log_file = handle, log_file
        if self.closing:
            started.go(Cause.TOO_LATE)
            self._do(actions.Stop(launch))
            self._do(actions.StartOver(started.name, _too_late(started.name)))
            return
        started.go(Cause.LAUNCHED)
        for instance, engine_id in started.early:
            self._joined(instance, engine_id, started)
        started.early.clear()
        self._do(actions.Changed())

    def _not_launched(self, launch: int, words: str) -> None:
        failed = self._launches[launch]
        failed.go(Cause.NOT_LAUNCHED)
        self._over(failed)
        self._do(actions.StartOver(failed.name, words))

    def _take_turns(self) -> None:
        """Start again what has been stopped for that: one set after the other, as they were started."""
        busy = any(each.returns or (each.again and each.phase in {Phase.LAUNCHING, Phase.GATHERING}) for each in self)
        waiting = [each for each in self if each.phase is Phase.RETURNING]
        if self.closing:
            for each in waiting:
                each.go(Cause.CANCELLED)
                self._forget(each)
                self._do(actions.StartOver(each.name, _too_late(each.name)))
        elif waiting and not busy:
            waiting[0].go(Cause.TURN)
            self._launch(waiting[0])

    # Ends

    def _stop(self, leaving: Iterable[LaunchedSet]) -> None:
        for each in leaving:
            if each.returns:  # it was to start again
                each.returns = False
                self._do(actions.StartOver(each.name, _too_late(each.name) if self.closing else ""))
            self._have_stopped(each)

    def _restart(self, leaving: Sequence[LaunchedSet]) -> None:
        for each in leaving:
            each.returns = True
        self._do(actions.Changed())  # the controller is to know of it before the first one ends
        for each in leaving:
            self._have_stopped(each)

    def _recall(self, names: Iterable[str]) -> None:
        """Have those start again, when it is their turn, that have ended by themselves."""
        for name in names:
            if (ended := self.over.take(name)) is not None:
                again = LaunchedSet(name, ended.n, next(self._numbers), Phase.RETURNING, again=True, gone=ended.gone)
                self._sets[name] = self._launches[again.launch] = again
                self._do(actions.Changed())

    def _have_stopped(self, leaving: LaunchedSet) -> None:
        if leaving.phase is Phase.STOPPING:
            return  # once is enough
        if leaving.waited_for:
            self._do(actions.StartOver(leaving.name))
        leaving.go(Cause.STOP)
        self._do(actions.Dismiss(tuple(ready_ids(self.engines.in_set(leaving.name)))))
        self._do(actions.Stop(leaving.launch))

    def _stopped(self, launch: int) -> None:
        ended = self._launches[launch]
        self._drop_engines(ended)
        self._do(actions.StopOver(ended.name))
        if ended.returns:
            # Its next life is another one: what is still said of this one is not said of that.
            del self._launches[launch]
            ended = LaunchedSet(ended.name, ended.n, next(self._numbers), ended.phase, again=True, gone=ended.gone)
            self._sets[ended.name] = self._launches[ended.launch] = ended
            ended.go(Cause.TO_RETURN)
        else:
            ended.go(Cause.STOPPED)
            self._forget(ended)  # for good: somebody wanted that
        self._do(actions.Changed())

    def _not_stopped(self, launch: int, words: str) -> None:
        stuck = self._launches[launch]
        stuck.go(Cause.NOT_STOPPED)
        self._do(actions.StopOver(stuck.name, words))
        if stuck.returns:
            stuck.returns = False
            self._do(actions.StartOver(stuck.name, words))
            self._do(actions.Changed())

    # What is heard

    def _heard(self, launch: int, status: Status) -> None:
        told = self._launches.get(launch)
        if told is None or told.phase not in WATCHED:
            return
        told.problem = ""
        before, told.status = told.status, status
        if status.state is State.WAITING:  # if only a part of it
            told.running_since = None
        elif told.running_since is None:
            told.running_since = self._now
        said_anew = status.words and (status.state, status.words) != (before.state, before.words)
        if status.state is State.WAITING and said_anew:
            self._do(actions.Queued(told.name, status.words, status.fix))
        elif status.state is State.RUNNING and said_anew and (told.waited_for or not self._telling):
            self._do(actions.Remark(status.words))  # of a part of it, and nobody else has said it
        elif status.state is State.ENDED:
            self._do(actions.SetEnded(told.name, status.words, status.fix))

    def _not_heard(self, launch: int, problem: str) -> None:
        told = self._launches.get(launch)
        if told is not None and told.phase in WATCHED and problem != told.problem:
            told.problem = problem
            self._do(actions.NotAsked(problem, told.waited_for))

    def _joined(self, instance: Instance, engine_id: int, joined: LaunchedSet | None) -> None:
        if joined is None or self.engines.of(instance) is not None:
            return
        if joined.phase is Phase.LAUNCHING:
            joined.early.append((instance, engine_id))
        if joined.phase not in STARTED:
            return
        engine = self.engines.add(joined.name, wants_key_as_id=False)
        self.engines.identify(engine, instance)
        engine.engine_id, engine.ready = engine_id, True
        joined.arrived += 1
        self._do(actions.Count(len(self.engines), sum(each.n for each in self.named(""))))
        self._do(actions.Changed())

    def _left(self, instance: Instance, cause: str) -> None:
        for each in self:
            each.early[:] = [joined for joined in each.early if joined[0] != instance]
        engine = self.engines.of(instance)
        if engine is None:
            return
        self.engines.drop(engine)
        left = self._sets.get(engine.set)
        if left is not None:
            left.note_gone(instance)
        if left is not None and left.phase not in LEAVING:
            self._do(actions.EngineLost(engine.label, cause, left.log_file))
        self._do(actions.Changed())

    # What is due

    def _review(self, each: LaunchedSet) -> None:
        if each.phase is Phase.GATHERING:
            self._gather(each)
        if each.phase is Phase.SETTLED and each.ended:
            each.go(Cause.ENDED)
            each.parting = self._now + NOTICED
        if each.phase is Phase.PARTING:
            self._part(each)

    def _gather(self, each: LaunchedSet) -> None:
        if each.arrived >= each.n:
            each.go(Cause.COMPLETE)
            self._do(actions.SetComplete(each.name, each.n))
        elif each.ended:
            self._give_up(each)
            each.go(Cause.ENDED)
            self._over(each)
        elif self._to_come(each):
            each.doubt = None
            if each.running_since is not None and self._now >= each.running_since + self._late:
                self._give_up(each)
                each.go(Cause.GIVEN_UP)
        elif each.doubt is None:
            # What has just ended may be an engine that was here, and has not been said to have left.
            each.doubt = self._now + NOTICED
        elif self._now >= each.doubt:
            self._give_up(each)
            each.go(Cause.GIVEN_UP)

    def _give_up(self, each: LaunchedSet) -> None:
        over = each.ended or not self._to_come(each)
        how = (each.status.words or "they have ended") if over else None
        missing = each.n - each.arrived
        self._do(actions.SetShort(each.name, missing, each.n, how, each.log_file, not each.arrived))
        self._do(actions.Changed())

    def _part(self, each: LaunchedSet) -> None:
        """Forget a set once the controller has said of all its engines, the first to die first, that they have left."""
        present = self.engines.in_set(each.name)
        how = each.status.words
        if not present or (each.told and self._now >= each.parting):
            each.go(Cause.PARTED)
            self._do(actions.Remark(f"engine set {each.name} has ended: {how}"))
            self._over(each)
        elif self._now >= each.parting:
            each.told, each.parting = True, self._now + FAREWELL
            words = how.partition("\n")[0].removesuffix("; it said:")
            for engine in present:
                self._do(actions.SayGone(engine.instance, words))

    def _to_come(self, each: LaunchedSet) -> int:
        return each.to_come(present=self.engines.count(each.name))

    def _over(self, ended: LaunchedSet) -> None:
        """Forget a set until somebody wants it to start again."""
        self._forget(ended)
        if ended.has_lived and not self.closing:
            self.over.note(ended)

    def _forget(self, gone: LaunchedSet) -> None:
        del self._sets[gone.name], self._launches[gone.launch]
        self._drop_engines(gone)
        self._do(actions.Changed())

    def _drop_engines(self, gone: LaunchedSet) -> None:
        for engine in self.engines.in_set(gone.name):
            self.engines.drop(engine)
            gone.note_gone(engine.instance)


def _too_late(name: str) -> str:
    return f"engine set {name} was not started: the cluster is stopping"
