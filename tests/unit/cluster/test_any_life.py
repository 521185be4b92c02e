"""Whatever happens: no engine is forgotten, nobody waits in vain, and what is to stop is told once."""

from __future__ import annotations

from collections import Counter
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from engineroom.cluster.launchers.status import State, Status
from engineroom.cluster.sets.hosted import Life
from engineroom.cluster.sets.life import actions, events
from engineroom.cluster.sets.life.forked import ForkedLife
from engineroom.cluster.sets.life.launched import LaunchedLife
from engineroom.cluster.sets.life.set_phases import Phase
from engineroom.ids import Instance
from engineroom.protocol.messages import Coming, EngineExited

LATE = 5.0
STATUSES = [
    Status(State.WAITING, "Resources"),
    Status(State.RUNNING),
    Status(State.RUNNING, "one ended", ended=1),
    Status(State.ENDED, "exit code 1"),
]


class Jobs:
    """A launcher, a controller and people, as a story has them, around the life of sets."""

    def __init__(self) -> None:
        self.life, self.now = LaunchedLife(late=LATE), 0.0
        self.numbers, self.instances = count(), count(1)
        self.launching: dict[int, str] = {}
        self.running: dict[int, str] = {}  # started, and neither stopped nor ended
        self.stopping: list[int] = []
        self.watched: set[int] = set()
        self.here: dict[Instance, str] = {}
        self.starts: Counter[str] = Counter()  # who waits for a start, by set
        self.stops: set[str] = set()

    def feed(self, event: events.SetEvent) -> None:
        for action in self.life.handle(event, self.now):
            self.perform(action)
        self.check()

    def perform(self, action: actions.SetAction) -> None:
        match action:
            case actions.Launch(launch, name, _):
                assert not self.life.closing
                self.launching[launch] = name
            case actions.Stop(launch):
                assert launch not in self.stopping
                self.stopping.append(launch)
            case actions.Watch(launch):
                assert launch not in self.watched
                assert launch in self.running
                self.watched.add(launch)
            case actions.Unwatch(launch):
                self.watched.remove(launch)
            case actions.SetComplete() | actions.SetShort() | actions.StartOver():
                assert self.starts.pop(action.set) == 1
            case actions.StopOver(name, _):
                self.stops.discard(name)
            case _:
                pass

    def check(self) -> None:
        known = {each.launch: each for each in self.life}
        assert not [each for each in known.values() if each.phase is Phase.GATHERING and each.ended]
        assert self.launching.keys() | self.running.keys() <= known.keys()  # none is forgotten
        assert set(self.stopping) <= known.keys()
        sets = {each.name for each in known.values()}
        assert {engine.set for engine in self.life.engines} <= sets
        assert not sets & set(self.life.over.named(""))
        waiting = {Phase.LAUNCHING, Phase.GATHERING, Phase.RETURNING}
        assert {name for name, n in self.starts.items() if n} == {
            each.name for each in known.values() if each.phase in waiting or each.returns
        }

    def act(self, kind: int, choice: int) -> None:
        """Have something happen that can happen now."""
        [
            self.start, self.stop, self.restart, self.launched, self.not_launched, self.stopped, self.not_stopped,
            self.heard, self.join, self.leave, self.wait,
        ][kind](choice)  # fmt: skip

    def start(self, choice: int) -> None:
        name = str(next(self.numbers))
        self.starts[name] += 1
        self.feed(events.StartSet(name, 1 + choice % 3))

    def _some(self, choice: int) -> tuple[str, ...]:
        named = [*self.life.over.named(""), *(each.name for each in self.life.named(""))]
        return tuple(named if choice % 4 == 0 else named[choice % len(named) :][:1]) if named else ()

    def stop(self, choice: int) -> None:
        names = self._some(choice)
        self.stops |= set(names) - set(self.life.over.named(""))
        self.feed(events.StopSets(names))

    def restart(self, choice: int) -> None:
        names = self._some(choice)
        if self.life.closing:
            return
        waited = {each.name: each.waited_for for each in self.life}
        for name in names:  # who waited before is told so, and who restarts waits anew
            returns = next((each.returns for each in self.life if each.name == name), False)
            self.starts[name] += 1 if waited.get(name) or not returns else 0
        self.feed_restart(names)

    def feed_restart(self, names: tuple[str, ...]) -> None:
        overs = Counter[str]()
        for action in self.life.handle(events.RestartSets(names), self.now):
            if isinstance(action, actions.StartOver):
                overs[action.set] += 1
            else:
                self.perform(action)
        self.starts -= overs
        self.check()

    def launched(self, choice: int) -> None:
        if self.launching:
            launch = sorted(self.launching)[choice % len(self.launching)]
            self.running[launch] = self.launching.pop(launch)
            self.feed(events.Launched(launch, {"job": launch}, ""))

    def not_launched(self, choice: int) -> None:
        if self.launching:
            launch = sorted(self.launching)[choice % len(self.launching)]
            del self.launching[launch]
            self.feed(events.NotLaunched(launch, "no"))

    def stopped(self, choice: int) -> None:
        if self.stopping:
            launch = self.stopping.pop(choice % len(self.stopping))
            self.running.pop(launch, None)
            self.feed(events.Stopped(launch))

    def not_stopped(self, choice: int) -> None:
        if self.stopping:
            self.feed(events.NotStopped(self.stopping.pop(choice % len(self.stopping)), "no"))

    def heard(self, choice: int) -> None:
        if not self.running:
            return
        launch = sorted(self.running)[choice % len(self.running)]
        status = STATUSES[choice % len(STATUSES)]
        if status.state is State.ENDED:
            del self.running[launch]
        self.feed(events.Heard(launch, status))

    def join(self, choice: int) -> None:
        sets = [*self.launching.values(), *self.running.values()]
        if sets:
            instance = Instance(next(self.instances).to_bytes(16, "big"))
            self.here[instance] = sets[choice % len(sets)]
            self.feed(events.Joined(instance, choice, self.here[instance]))

    def leave(self, choice: int) -> None:
        if self.here:
            instance = list(self.here)[choice % len(self.here)]
            del self.here[instance]
            self.feed(events.Left(instance, "gone"))

    def wait(self, choice: int) -> None:
        due = self.life.wake()
        self.now += choice / 100 if due is None or choice % 2 else max(0.0, due - self.now)
        self.feed(events.Tick())


usual = [0, 3, 3, 7, 7, 8, 8, 9, 10]
steps = st.lists(st.tuples(st.sampled_from(usual) | st.integers(0, 10), st.integers(0, 999)), min_size=20, max_size=80)


@given(steps)
def test_whatever_happens_to_sets_all_is_told_and_nothing_is_left(story: list[tuple[int, int]]) -> None:
    jobs = Jobs()
    for kind, choice in story:
        jobs.act(kind, choice)
    jobs.feed(events.Closed())
    assert jobs.life.coming() == Coming()
    while jobs.launching or jobs.stopping:
        jobs.launched(0)
        jobs.stopped(0)
    assert list(jobs.life) == jobs.life.over.named("") == []
    assert len(jobs.life.engines) == 0
    assert not jobs.life.busy()
    assert jobs.life.wake() is None
    assert not +jobs.starts
    assert not jobs.stops
    assert not jobs.watched


class Processes:
    """A spawner, a controller and people, as a story has them, around the life of engines."""

    def __init__(self, *, restarts: bool, delay: float) -> None:
        numbers = count(1)
        self.life = ForkedLife(
            draw=lambda: (b"", Instance(next(numbers).to_bytes(16, "big"))),
            own_controller=True, restarts=restarts, delay=delay, late=LATE, stop=4.0,
        )  # fmt: skip
        self.now, self.requests, self.open = 0.0, count(), dict[int, float]()
        self.alive: dict[int, Instance] = {}
        self.told: set[Instance] = set()

    def feed(self, event: events.ForkedEvent) -> None:
        for action in self.life.handle(event, self.now):
            match action:
                case actions.Fork(engine):
                    assert engine.key not in self.alive  # never two processes of one engine
                    assert not self.life.closing
                    self.alive[engine.key] = engine.instance
                case actions.End(engine):
                    assert self.alive[engine.key] == engine.instance
                    assert engine.instance not in self.told  # once is enough
                    self.told.add(engine.instance)
                case actions.Gathered(request, _, _, _) | actions.Ended(request):
                    del self.open[request]
                case _:
                    pass
        self.check()

    def check(self) -> None:
        known = {engine.key: engine for engine in self.life.engines}
        if not self.life.closing:
            assert self.alive.keys() == {
                key for key, engine in known.items() if engine.has_process
            }  # none is forgotten
        assert all(engine.life is not Life.OVER for engine in known.values())
        assert all(self.now < until for until in self.open.values())  # nobody waits for ever
        due = self.life.wake()
        assert due is not None or not self.open

    def ask(self, choice: int, kind: type[events.StopEngines | events.RestartEngines]) -> None:
        engines = [engine.key for engine in self.life.engines]
        keys = engines if choice % 3 == 0 else engines[choice % len(engines) :][:1] if engines else []
        request = next(self.requests)
        self.open[request] = self.now + 4.0 + LATE + 1.0
        self.feed(kind(request, tuple(keys)))

    def act(self, kind: int, choice: int) -> None:
        """Have something happen that can happen now."""
        match kind:
            case 0:
                request = next(self.requests)
                self.open[request] = self.now + 3.0 + LATE + 1.0
                added = [self.life.engines.add("a", wants_key_as_id=True) for _ in range(choice % 4)]
                self.feed(events.StartEngines(request, tuple(engine.key for engine in added)))
            case 1:
                self.ask(choice, events.StopEngines)
            case 2:
                self.ask(choice, events.RestartEngines)
            case 3 | 4 if self.alive:
                key = sorted(self.alive)[choice % len(self.alive)]
                said = EngineExited(self.alive.pop(key), "exit")
                self.feed(events.Exited(key, choice % 2, said))
            case 5 if self.alive:
                key = sorted(self.alive)[choice % len(self.alive)]
                engine = self.life.engines.get(key)
                if engine is not None and not engine.ready:
                    del self.alive[key]
                    self.feed(events.NotForked(key, "no memory"))
            case 6 | 7 | 8 if self.alive:
                key = sorted(self.alive)[choice % len(self.alive)]
                self.feed(events.Joined(self.alive[key], key))
            case _:
                due = self.life.wake()
                soonest = self.now + choice / 100
                self.now = soonest if due is None else min(due, soonest) if choice % 2 else max(due, self.now)
                self.feed(events.Tick())


processes = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 999)), min_size=20, max_size=80)


@given(processes, st.booleans(), st.booleans(), st.booleans())
def test_whatever_happens_to_engines_each_is_known_and_told_once(
    story: list[tuple[int, int]], restarts: bool, slow: bool, closed: bool
) -> None:
    world = Processes(restarts=restarts, delay=1.0 if slow else 0.0)
    for kind, choice in story:
        world.act(kind, choice)
    while world.open and not closed:  # time alone ends all waiting
        due = world.life.wake()
        assert due is not None
        world.now = max(due, world.now)
        world.feed(events.Tick())
    world.feed(events.Closed())
    assert not world.open
    assert world.life.wake() is None
    assert world.life.coming() == Coming()
