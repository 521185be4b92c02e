"""A cluster in virtual time: every message takes `latency`, every task as long as drawn, the core no time at all."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from random import Random
from time import thread_time

import msgspec

from engineroom.core.actions import Accept, Action, DropBody, EndEngine, HangUp, Listen, Look, Send, Stop, WakeAt
from engineroom.core.events import EngineUp, Event, Quiet, Seen, Tick
from engineroom.core.limits import Limits
from engineroom.core.reactor import handle
from engineroom.core.state import ControllerState
from engineroom.ids import Instance, Peer, TaskId, number_of, session_of
from engineroom.protocol.messages import (
    AlreadyStarted,
    Delivered,
    Ended,
    Finished,
    Message,
    Ran,
    Result,
    Revoke,
    Revoked,
    Run,
    Started,
    Status,
    SubmitAgain,
    Withdraw,
    Withdrawn,
)
from engineroom.protocol.task_ranges import attempt_ranges, attempts_in
from engineroom.simulate.clients import Body, Clients
from engineroom.simulate.engines import PretendEngine
from engineroom.simulate.mishaps import Mishaps


class Plan(msgspec.Struct, frozen=True):
    """What is simulated. Times in seconds; what happens to whom, and when, is drawn at random."""

    engines: int = 1000
    tasks: int = 100_000
    clients: int = 4
    seconds: float = 0.05
    """How long a task takes..."""
    spread: float = 1.0
    """... and how much that differs."""
    latency: float = 0.0003
    losses: int = 0
    """Engines that die."""
    cuts: int = 0
    """How often the connection of an engine is cut, for `pause` seconds."""
    stops: int = 0
    """How often an engine is stopped, for `pause` seconds."""
    pause: float = 10.0
    hosts: int = 0
    """How many have started engines; the controller ends without the first one."""
    host_losses: int = 0
    """Of the other hosts, so many are killed."""
    host_cuts: int = 0
    launched: bool = False
    """Hosts have started engines in batch jobs, which outlive them."""
    client_cuts: int = 0
    large: float = 0.0
    """The share of tasks whose arguments come as a stream, which a cut ends..."""
    large_bytes: int = 2_000_000
    """... of so many bytes."""
    lies: int = 0
    """How often a peer says what is not so."""
    unresponsive_timeout: float = 0.0
    policy: str = "leastload"
    seed: int = 0


class Simulation:
    """One run of a plan: `start`, then `advance` to its end. `spent`: seconds of CPU time inside the core."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rng = Random(plan.seed)
        listens = bool(plan.stops or plan.cuts or plan.hosts)
        limits = Limits(
            policy=plan.policy, ping_every=3.0 if listens else 0.0, unresponsive_timeout=plan.unresponsive_timeout
        )
        self.state = ControllerState(limits)
        self.now = 0.0
        self.spent = 0.0
        self.decisions = 0
        self.revokes = 0
        self.refused = 0
        """How often somebody was sent away for a lie."""
        self.stopped = ""
        """Why the controller ended itself; "" if it did not."""
        self.ended: dict[int, int] = {}
        """How many tasks ended with which status."""
        self.peers = map(Peer, count(1))
        self._order = count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.clients = Clients(self)
        self.mishaps = Mishaps(self)
        every = [PretendEngine(next(self.peers), Instance(n.to_bytes(16))) for n in range(1, 1 + plan.engines)]
        self._every, self._engines = every, {engine.peer: engine for engine in every}
        self._wake: float | None = None

    def run(self) -> None:
        """Play it all."""
        self.start()
        while self.advance():
            pass

    def start(self) -> None:
        """Let everybody in, and submit everything at once."""
        self.clients.begin()
        self.mishaps.begin()
        for engine in self._every:
            self.let_in(engine)
        self.clients.submit_all()

    def advance(self, decisions: int = 1000) -> bool:
        """Go on for about so many decisions. False: every client has every result, or the controller has ended."""
        until = self.decisions + decisions
        while self._goes_on() and self.decisions < until:
            self.now, _, act = heapq.heappop(self._agenda)
            act()
        return self._goes_on()

    def _goes_on(self) -> bool:
        return bool(self._agenda) and not self.stopped and sum(self.ended.values()) < self.plan.tasks

    def engines(self) -> Sequence[PretendEngine]:
        return self._every

    def later(self, delay: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + delay, next(self._order), act))

    def tell(self, peer: Peer, event: Event) -> None:
        """Hand `event` to the core, take the CPU time, and send off what it wants done. NotAllowedError: a lie."""
        before = thread_time()
        actions = handle(self.state, peer, event, now=self.now, rng=self.rng)
        self.spent += thread_time() - before
        self.decisions += 1
        for action in actions:
            self._perform(action)

    def let_in(self, engine: PretendEngine) -> None:
        """Have an engine connect, for the first time or again."""
        self._engines[engine.peer] = engine
        engine.connected = True
        launched = bool(engine.host) and self.plan.launched
        spawned, pid = bool(engine.host) and not launched, 0 if launched else engine.peer
        up = EngineUp(engine.instance, host=engine.host, spawned=spawned, launched=launched, pid=pid)
        self.tell(engine.peer, up)
        self.tell(engine.peer, engine.has())
        for message in tuple(engine.unacknowledged.values()):
            self._say(engine, message)

    def cut_off(self, engine: PretendEngine) -> Peer:
        """Have an engine lose its connection; return which one it was."""
        engine.connected = False
        engine.inbox.clear()
        del self._engines[engine.peer]
        return engine.peer

    def go_on(self, engine: PretendEngine) -> None:
        """Have an engine that was stopped go on where it was."""
        engine.stopped = False
        inbox, engine.inbox = engine.inbox, []
        for message in inbox:
            self._take(engine, message)
        if engine.overdue:
            engine.overdue = False
            self._end(engine)

    def _perform(self, action: Action) -> None:
        match action:
            case Send(message=Result() | Ended() | SubmitAgain() as message):
                self.clients.hear(action.peer, message)
            case Send(peer=peer, message=message):
                if peer in self._engines:
                    self.later(self.plan.latency, partial(self._reach, peer, message))
            case WakeAt(time=time):
                self._wake_at(time)
            case Accept(body=Body() as body):
                self.clients.accept(body)
            case DropBody(body=Body() as body):
                body.refused = True
            case _:
                self._look_after(action)

    def _wake_at(self, time: float) -> None:
        """Have one Tick, the earliest that is wanted."""
        if self._wake is None or time < self._wake:
            self._wake = time
            self.later(time - self.now, partial(self._tick, time))

    def _tick(self, time: float) -> None:
        if time == self._wake:
            self._wake = None
            self.tell(Peer(0), Tick())

    def _look_after(self, action: Action) -> None:
        """Do what a controller's shell does about those who may not be there."""
        match action:
            case Look(peer=peer, pid=pid, at_once=at_once):
                alive = any(engine.alive and engine.peer == pid for engine in self._every)
                self.tell(peer, Seen(alive, at_once))
            case Listen(peers=asked):
                self.tell(Peer(0), Quiet(tuple(each.peer for each in self._engines.values() if each.stopped), asked))
            case EndEngine(peer=peer):
                self.mishaps.die(self._engines[peer])
            case HangUp(peer=peer):
                self.mishaps.hang_up(self._engines[peer])
            case Stop(reason=reason):
                self.stopped = reason
            case _:
                pass

    def _reach(self, peer: Peer, message: Message) -> None:
        """A message of the core arrives, if that connection still is."""
        engine = self._engines.get(peer)
        if engine is None:
            return
        if engine.stopped:
            engine.inbox.append(message)
        else:
            self._take(engine, message)

    def _take(self, engine: PretendEngine, message: Message) -> None:
        match message:
            case Run():
                engine.add(message)
            case Revoke(task=task, attempt=attempt):
                self.revokes += 1
                if engine.revoke(task, attempt):
                    self._say(engine, Revoked(task, attempt))
                elif engine.running is not None and engine.running.task == task:
                    self._say(engine, AlreadyStarted(task, attempt))
            case Withdraw(attempts=attempts):
                self._withdraw(engine, list(attempts_in(attempts)))
            case Delivered():
                engine.forget(message)
            case _:
                pass
        self._start(engine)

    def _withdraw(self, engine: PretendEngine, attempts: list[tuple[TaskId, int]]) -> None:
        gone = [attempt for attempt in attempts if engine.revoke(*attempt)]
        if gone:
            self._say(engine, Withdrawn(tuple(attempt_ranges(gone))))
        if engine.running is not None and (engine.running.task, engine.running.attempt) in attempts:
            self._say(engine, AlreadyStarted(engine.running.task, engine.running.attempt))

    def _say(self, engine: PretendEngine, message: Started | Finished | Revoked | AlreadyStarted | Withdrawn) -> None:
        """Send what an engine says; it does not arrive if the connection is cut on the way."""
        if engine.connected:
            self.later(self.plan.latency, partial(self._hear, engine.peer, message))

    def _hear(self, peer: Peer, message: Started | Finished | Revoked | AlreadyStarted | Withdrawn) -> None:
        if peer in self._engines:
            self.tell(peer, message)

    def _start(self, engine: PretendEngine) -> None:
        run = engine.start() if engine.alive else None
        if run is not None:
            if run.announce:
                self._say(engine, Started(run.task, run.attempt))
            self.later(self._seconds(run.task), partial(self._end, engine))

    def _end(self, engine: PretendEngine) -> None:
        if not engine.alive:
            return
        if engine.stopped:
            engine.overdue = True
            return
        run = engine.running
        assert run is not None
        engine.running = None
        engine.finished += 1
        seconds = self._seconds(run.task)
        engine.busy += seconds
        outcome = Ran(Status.OK, self.now - seconds, seconds)
        message = Finished(engine.finished, run.task, run.attempt, outcome, b"y" * 40)
        engine.unacknowledged[message.number] = message
        self._say(engine, message)
        self._start(engine)

    def _seconds(self, task: TaskId) -> float:
        """Return how long this task takes, on whichever engine: lognormal, with the plan's mean and spread."""
        spread = self.plan.spread
        drawn = Random(number_of(task) * 1000 + session_of(task)[0]).lognormvariate(-spread * spread / 2, spread)
        return self.plan.seconds * drawn
