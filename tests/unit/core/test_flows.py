"""Futures that flow while engines die, at each point of the flow: every task ends, made of what its client has got.

A task that may run again elsewhere ends well; another one ends lost, and those that need its result end with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import hypothesis.strategies as st
import pytest
from hypothesis import given

from engineroom.ids import TaskId
from engineroom.protocol.messages import Awaits, Options, Status
from engineroom.protocol.task_ranges import ranges_of
from tests.examples import drawn, stride
from tests.unit.core.pretend import PretendEngine, session_id, task
from tests.unit.core.world import FAILED, TRIVIAL, World

Shape = Sequence[tuple[int, ...]]
"""By task: which earlier ones it needs, by their numbers from 1 on."""

AGAIN, ONCE = Options(), Options(rerun_lost=False)

CHAIN: Shape = [(), (1,), (2,), (3,)]
DIAMOND: Shape = [(), (1,), (1,), (2, 3)]
FAN_IN: Shape = [(), (), (), (1, 2, 3), (4,)]
WIDE: Shape = [*[()] * 9, tuple(range(1, 10)), (10, 1)]
LAYERS: Shape = [(), (), (1, 2), (1, 2), (3, 4), (3, 4)]
WINDOW: Shape = [(), *[tuple(range(max(1, number - 9), number)) for number in range(2, 12)]]

SHAPES = {"chain": CHAIN, "diamond": DIAMOND, "fan-in": FAN_IN, "wide": WIDE, "layers": LAYERS, "window": WINDOW}


class Flow:
    """A world of two engines or more, and the tasks of one client that need each other's results."""

    def __init__(self, shape: Shape, *, engines: int = 2, options: Options = AGAIN, seed: int = 0) -> None:
        self.world = World("leastload", seed, engines=engines, kept=1000)
        self.client = self.world.clients[0]
        self.client.up()
        self.shape, self.options = shape, options
        self.submitted = 0

    def submit(self, to: int | None = None) -> None:
        """Submit the next task: to engine `to`, or to any."""
        needs = self.shape[self.submitted]
        self.submitted += 1
        awaits = Awaits(inputs=tuple((session_id(), first, last) for first, last in ranges_of(needs)))
        options = self.options if to is None else Options()
        self.client.submit(None if to is None else (to,), options, b"f", 0, awaits if needs else None)

    def submit_all(self) -> None:
        for _ in self.shape:
            self.submit()

    def steps(self) -> Iterator[None]:
        """Have one engine do one small thing after the other, until all tasks have ended."""
        for turn in range(1000):
            if len(self.client.results) == len(self.shape):
                return
            living = [engine for engine in self.world.engines if not engine.given_up]
            self.do(living[turn // 3 % len(living)], turn % 3)
            yield
        raise AssertionError("it never ends")

    def do(self, engine: PretendEngine, what: int) -> None:
        """Have an engine read a message, start a task or end one."""
        if engine.given_up:
            return
        world = self.world
        world.perform([engine.read, engine.start, lambda: engine.finish(TRIVIAL)][what]())
        world.perform(world.play.tick(0.001))

    def kill(self, which: int, *, returns: bool, looked: bool = False) -> None:
        """Have an engine die, killed from outside; `returns`: its next life joins at once."""
        engine = self.world.engines[which]
        if engine.given_up:
            return
        self.world.perform(engine.lost(looked=looked))
        if returns:
            before = engine.id
            engine.become_another(next(self.world.peers))
            self.world.perform(engine.up(wanted_id=before))

    def happen(self, what: int, who: int) -> None:
        """Have one of all things happen."""
        world, client = self.world, self.client
        which = who % len(world.engines)
        engine = world.engines[which]
        match what:
            case 0 | 1 | 2 if self.submitted < len(self.shape):
                self.submit(who % 3 if what == 2 else None)
            case 3:
                self.kill(which, returns=who % 3 < 2, looked=who % 2 == 0)
            case 4 if len(world.engines) < 6:
                world.join()
            case 5:
                client.deliver(also=True)
            case 6:
                world.perform(engine.finish(FAILED))
            case _:
                self.do(engine, what % 3)

    def finish(self) -> None:
        for _ in self.steps():
            pass

    def status(self, id_: TaskId) -> int:
        return self.client.results[id_].outcome.status

    def check(self) -> None:
        """Assert that all have ended: those that need what has no result because of that, or with their engine."""
        assert set(self.client.results) == set(self.client.submitted)
        self.world.check_arguments(self.client)
        for number, needs in enumerate(self.shape, 1):
            unmet = [id_ for id_ in (task(needed) for needed in needs) if self.status(id_) != Status.OK]
            mine = self.status(task(number))
            assert mine in (Status.DEPENDENCY, Status.LOST) if unmet else mine != Status.DEPENDENCY, number


def points(name: str) -> list[tuple[int, int]]:
    """Return at which points an engine can die: how many steps have been, and the engine. Of long flows fewer."""
    flow = Flow(SHAPES[name])
    flow.submit_all()
    steps = sum(1 for _ in flow.steps())
    return [(step, engine) for step in range(steps) for engine in (0, 1)][:: stride() * (1 if steps < 40 else 3)]


def outlived(name: str, point: int, engine: int, options: Options, *, returns: bool, looked: bool = False) -> Flow:
    """Return a flow that has ended, though an engine has died at this point of it."""
    flow = Flow(SHAPES[name], options=options)
    flow.submit_all()
    for step, _ in enumerate(flow.steps()):
        if step == point:
            flow.kill(engine, returns=returns, looked=looked)
    flow.check()
    return flow


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("returns", [False, True])
def test_a_flow_outlives_the_death_of_an_engine_at_any_point(name: str, returns: bool) -> None:
    for point, engine in points(name):
        flow = outlived(name, point, engine, AGAIN, returns=returns)
        assert {flow.status(id_) for id_ in flow.client.submitted} == {Status.OK}, (point, engine)


@pytest.mark.parametrize("name", SHAPES)
def test_a_flow_that_may_not_run_again_ends_where_an_engine_died_and_says_why(name: str) -> None:
    for point, engine in points(name):
        flow = outlived(name, point, engine, ONCE, returns=True, looked=True)
        lost = [id_ for id_ in flow.client.submitted if flow.status(id_) == Status.LOST]
        assert len(lost) <= 1
        for its in flow.client.results.values():
            assert its.outcome.status != Status.DEPENDENCY or "died" in its.outcome.error


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Return tasks that need some of those before them: seldom none, often the last ones, sometimes many."""
    shape: list[tuple[int, ...]] = [()]
    for number in range(2, draw(st.integers(2, 14)) + 1):
        nearest = draw(st.integers(0, min(number - 1, 3)))
        others = draw(st.sets(st.integers(1, number - 1), max_size=10))
        shape.append(tuple(sorted({*others, *range(number - nearest, number)})))
    return shape


DOINGS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 5)), max_size=60)
"""What happens next: which of all that can happen, and to whom."""


@drawn(100)
@given(
    shape=shapes(), doings=DOINGS, options=st.sampled_from([AGAIN, ONCE, Options(retries=2)]), seed=st.integers(0, 99)
)
def test_any_flow_ends_and_is_consistent_whatever_dies(
    shape: Shape, doings: list[tuple[int, int]], options: Options, seed: int
) -> None:
    flow = Flow(shape, engines=3, options=options, seed=seed)
    for what, who in doings:
        flow.happen(what, who)
    while flow.submitted < len(shape):
        flow.submit()
    flow.world.join()
    flow.finish()

    flow.check()
