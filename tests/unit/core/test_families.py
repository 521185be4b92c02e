"""Tasks that submit tasks, and wait for them: whatever the order of things, all of them end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import Random

import msgspec
import pytest

from engineroom.core.actions import Action, Send
from engineroom.core.events import ClientGone, ClientUp, EngineUp, Event
from engineroom.core.families import ENDED
from engineroom.core.limits import Limits
from engineroom.core.not_allowed import NotAllowedError
from engineroom.core.policies import POLICIES
from engineroom.ids import Peer, TaskId, session_of, task_id
from engineroom.protocol.messages import (
    Abort,
    AlreadyStarted,
    Delivered,
    Ended,
    Finished,
    Held,
    Interrupt,
    Outcome,
    Ran,
    Result,
    Revoke,
    Revoked,
    Run,
    RunsWithin,
    Started,
    Status,
    Submit,
    Waits,
    Withdraw,
    Withdrawn,
)
from engineroom.protocol.task_ranges import attempt_ranges, attempts_in, one_task
from tests.unit.core.pretend import CALL, Death, Play, instance_id, session_id, submit, task

CLIENT, TASKS = 1, 500
OK = Ran(Status.OK, 0.0, 0.001)


class Frame(msgspec.Struct, eq=False):
    """A task that an engine has started. `children`: what it has submitted, and whether that has ended."""

    run: Run
    children: dict[TaskId, bool]
    left: int
    waits: bool = False


class Engine:
    """An engine with a stack of tasks, and the client of these tasks."""

    def __init__(self, story: Story, number: int) -> None:
        self.story, self.number = story, number
        self.peer, self.client = 10 + number, TASKS + number
        self.session = session_id(100 + number)
        self.stack: list[Frame] = []
        self.queue: list[Run] = []
        self.inbox: list[object] = []
        self.numbers, self.results = count(1), count(1)
        self.said: dict[int, list[Event]] = {self.peer: [], self.client: []}
        """What is on its way, by connection."""

    def up(self) -> None:
        self.story.feed(self.peer, EngineUp(instance_id(self.number)))
        self.story.feed(self.client, ClientUp(self.session, instance_id(self.number)))

    def say(self, peer: int, event: Event) -> None:
        self.said[peer].append(event)

    def speak(self, peer: int) -> None:
        """Have the next word of one of the two connections arrive."""
        if self.said[peer]:
            self.story.feed(peer, self.said[peer].pop(0))

    def read(self) -> None:
        message = self.inbox.pop(0)
        match message:
            case Run():
                self.queue.append(message)
            case RunsWithin(task=id_, within=within):
                self.queue = [msgspec.structs.replace(r, within=within) if r.task == id_ else r for r in self.queue]
            case Revoke(task=id_, attempt=attempt):
                gone = self._forget(id_, attempt)
                self.say(self.peer, (Revoked if gone else AlreadyStarted)(id_, attempt))
            case Withdraw(attempts=attempts):
                keys = [key for key in attempts_in(attempts) if self._forget(*key)]
                if keys:
                    self.say(self.peer, Withdrawn(tuple(attempt_ranges(keys))))
            case _:
                self._hear(message)

    def _hear(self, message: object) -> None:
        match message:
            case Result(task=id_):
                self._ended([id_])
            case Ended(tasks=tasks):
                self._ended(list(tasks.tasks()))
            case Interrupt(task=id_):
                for frame in self.stack:
                    if frame.run.task == id_:
                        frame.left = 0
                        frame.children.clear()
            case _:
                pass

    def _ended(self, ids: list[TaskId]) -> None:
        for frame in self.stack:
            for id_ in ids:
                if id_ in frame.children:
                    frame.children[id_] = True
        self.say(self.client, Delivered(0, one_task(ids[0]).ranges))

    def _forget(self, id_: TaskId, attempt: int) -> bool:
        before = len(self.queue)
        self.queue = [run for run in self.queue if (run.task, run.attempt) != (id_, attempt)]
        return len(self.queue) < before

    def act(self) -> None:
        """Do the next thing that the real engine would do."""
        if not self.stack:
            if self.queue:
                self._start(self.queue[0])
            return
        top = self.stack[-1]
        if top.left:
            self._submit(top)
        elif not all(top.children.values()):
            if not top.waits:
                top.waits = True
                self.say(self.peer, Waits(top.run.task, top.run.attempt))
            else:
                within = [run for run in self.queue if run.within == top.run.task or (run.within and run.direct)]
                if within:
                    self._start(within[0])
        else:
            self._finish(top)

    def is_busy(self) -> bool:
        return bool(self.stack or self.inbox or any(self.said.values()))

    def _start(self, run: Run) -> None:
        self.queue.remove(run)
        self.stack.append(Frame(run, {}, self.story.children_of(run.task)))
        if run.announce:
            self.say(self.peer, Started(run.task, run.attempt))

    def _submit(self, top: Frame) -> None:
        top.left -= 1
        id_ = task_id(self.session, next(self.numbers))
        top.children[id_] = False
        self.story.depths[id_] = self.story.depths.get(top.run.task, 0) + 1
        to = instance_id(self.story.rng.choice(self.story.engines).number) if self.story.rng.random() < 0.2 else None
        self.say(self.client, Submit(id_, CALL, to, within=top.run.task))

    def _finish(self, top: Frame) -> None:
        if top.waits:
            self.say(self.peer, Waits(top.run.task, top.run.attempt, False))
        self.stack.pop()
        self.say(self.peer, Finished(next(self.results), top.run.task, top.run.attempt, OK, b"done"))


class Story:
    """A client whose tasks have children, and these too, down to `deepest`."""

    def __init__(self, seed: int, *, engines: int, deepest: int = 3) -> None:
        self.rng = Random(seed)
        self.deepest = deepest
        self.play = Play(Limits(policy=sorted(POLICIES)[seed % len(POLICIES)], prefetch_tasks=3), seed)
        self.engines: list[Engine] = []
        self.numbers = count(1)
        self.depths: dict[TaskId, int] = {}
        self.ended: dict[TaskId, Outcome] = {}
        self.play.connect(CLIENT)
        for _ in range(engines):
            self.join()

    def join(self) -> None:
        engine = Engine(self, next(self.numbers))
        self.engines.append(engine)
        engine.up()

    def children_of(self, id_: TaskId) -> int:
        return 0 if self.depths.get(id_, 0) >= self.deepest else self.rng.randrange(4)

    def feed(self, peer: int, event: Event) -> None:
        self.take(self.play(peer, event))

    def take(self, actions: list[Action]) -> None:
        for action in actions:
            if not isinstance(action, Send):
                continue
            for engine in self.engines:
                if action.peer in (engine.peer, engine.client):
                    engine.inbox.append(action.message)
            if action.peer == CLIENT:
                match action.message:
                    case Result(task=id_, outcome=outcome):
                        self.ended[id_] = outcome
                    case Ended(tasks=tasks, outcome=outcome):
                        self.ended.update(dict.fromkeys(tasks.tasks(), outcome))
                    case _:
                        pass

    def lose(self, engine: Engine) -> None:
        self.engines.remove(engine)
        ran = tuple((frame.run.task, frame.run.attempt) for frame in engine.stack[-1:])
        self.take(self.play(engine.peer, Death("killed by SIGKILL", False, ran)))
        self.feed(engine.client, ClientGone())

    def go_on(self, tasks: int, *, most: int = 30_000) -> None:
        """Let all engines do what they do, in any order, until all tasks of the client have ended."""
        for _ in range(most):
            if len(self.ended) == tasks and not any(map(Engine.is_busy, self.engines)):
                return
            engine = self.rng.choice(self.engines)
            match self.rng.randrange(4):
                case 0 if engine.inbox:
                    engine.read()
                case 1:
                    engine.speak(engine.peer)
                case 2:
                    engine.speak(engine.client)
                case _:
                    engine.act()
            if self.rng.random() < 0.1:
                self.take(self.play.tick(0.05))
        raise AssertionError(f"{tasks - len(self.ended)} of {tasks} tasks have not ended")


@pytest.mark.parametrize("seed", range(30))
def test_a_tree_of_tasks_ends_whatever_the_order(seed: int) -> None:
    story = Story(seed, engines=1 + seed % 3)
    for number in range(1, 5):
        story.feed(CLIENT, submit(number))

    story.go_on(4)

    assert {outcome.status for outcome in story.ended.values()} == {Status.OK}
    assert not story.play.state.families


@pytest.mark.parametrize("seed", range(20))
def test_it_ends_when_engines_die_and_others_come(seed: int) -> None:
    story = Story(seed, engines=2 + seed % 2, deepest=2)
    for number in range(1, 5):
        story.feed(CLIENT, submit(number))
    for _ in range(2):
        for _ in range(60):
            engine = story.rng.choice(story.engines)
            engine.speak(story.rng.choice([engine.peer, engine.client]))
            if engine.inbox:
                engine.read()
            else:
                engine.act()
        story.lose(story.rng.choice(story.engines))
        story.join()

    story.go_on(4)

    assert {outcome.status for outcome in story.ended.values()} == {Status.OK}


def one_engine() -> Story:
    story = Story(0, engines=1)
    story.feed(CLIENT, submit(1))
    engine = story.engines[0]
    while engine.inbox:
        engine.read()
    engine.act()
    return story


def first(story: Story, number: int = 1) -> Submit:
    return Submit(task_id(story.engines[0].session, number), CALL, within=task(1))


def sent(story: Story, kind: type) -> Iterator[object]:
    return (message for message in story.engines[0].inbox if isinstance(message, kind))


def test_what_a_task_waits_for_runs_in_its_place() -> None:
    story = one_engine()
    engine = story.engines[0]

    story.feed(engine.client, first(story))
    story.feed(engine.client, first(story, 2))
    story.feed(engine.peer, Waits(task(1), 1))

    assert {run.within for run in sent(story, Run)} == {task(1)}  # type: ignore[attr-defined]
    assert len(list(sent(story, Run))) >= 1


def test_what_others_have_submitted_does_not_run_in_its_place() -> None:
    story = one_engine()
    engine = story.engines[0]
    story.feed(engine.peer, Waits(task(1), 1))

    story.feed(CLIENT, submit(2))

    assert not list(sent(story, Run))


def test_what_waits_behind_a_task_that_waits_is_asked_back() -> None:
    story = one_engine()
    story.feed(CLIENT, submit(2))
    behind = [run for run in sent(story, Run) if run.task == task(2)]  # type: ignore[attr-defined]

    story.feed(story.engines[0].peer, Waits(task(1), 1))

    assert bool(behind) == any(sent(story, Withdraw))


def test_children_end_with_their_parent() -> None:
    story = one_engine()
    engine = story.engines[0]
    story.feed(engine.client, first(story))
    while engine.inbox:
        engine.read()

    story.feed(engine.peer, Finished(1, task(1), 1, OK, b""))
    story.take(story.play.tick(0.0))
    while engine.inbox and not any(sent(story, Result)):
        engine.read()
        engine.speak(engine.peer)

    (its,) = sent(story, Result)
    assert its.outcome.status is Status.ABORTED  # type: ignore[attr-defined]
    assert its.outcome.error == ENDED  # type: ignore[attr-defined]


def test_a_call_of_a_task_that_has_ended_is_refused() -> None:
    story = one_engine()
    engine = story.engines[0]
    story.feed(engine.peer, Finished(1, task(1), 1, OK, b""))

    story.feed(engine.client, first(story))

    (its,) = sent(story, Result)
    assert its.outcome.error == ENDED  # type: ignore[attr-defined]


def test_children_are_interrupted_before_their_parent() -> None:
    story = one_engine()
    engine = story.engines[0]
    story.feed(engine.client, first(story))
    story.feed(engine.peer, Waits(task(1), 1))
    while engine.inbox:
        engine.read()
    engine.stack[-1].waits, engine.stack[-1].children = True, {first(story).task: False}
    engine.act()
    story.feed(engine.peer, Started(first(story).task, 1))

    story.feed(CLIENT, Abort(one_task(task(1)), True))
    story.take(story.play.tick(0.0))

    assert {message.task for message in sent(story, Interrupt)} == {task(1), first(story).task}  # type: ignore[attr-defined]


def test_only_tasks_speak_for_tasks() -> None:
    story = one_engine()

    with pytest.raises(NotAllowedError):
        story.feed(CLIENT, Submit(task(2), CALL, within=task(1)))
    with pytest.raises(NotAllowedError):
        story.feed(story.engines[0].client, Submit(task_id(story.engines[0].session, 1), CALL))


def test_an_engine_that_comes_back_says_again_that_a_task_waits() -> None:
    story = one_engine()
    engine = story.engines[0]
    story.feed(engine.peer, Waits(task(1), 1))

    story.take(story.play.alone(3999, EngineUp(instance_id(engine.number))))
    story.take(story.play.alone(3999, Held(running=tuple(attempt_ranges([(task(1), 1)])))))

    assert story.play.state.engines[0].waiting == []
    assert session_of(task(1)) == session_id(CLIENT)
    assert Peer(3999) in story.play.state.engine_peers
