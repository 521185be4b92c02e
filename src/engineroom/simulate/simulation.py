"""A cluster in virtual time: every message takes `latency`, every task as long as drawn, the core no time at all."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import count
from random import Random
from time import perf_counter

import msgspec

from engineroom.core.actions import Action, Look, Send, WakeAt
from engineroom.core.events import ClientUp, EngineClosed, EngineUp, Event, Seen, Tick
from engineroom.core.limits import Limits
from engineroom.core.reactor import handle
from engineroom.core.state import ControllerState
from engineroom.ids import Instance, Peer, SessionId, TaskId, number_of, session_of, task_id
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import (
    AlreadyStarted,
    Call,
    Delivered,
    Finished,
    Held,
    Kind,
    Message,
    Ran,
    Result,
    Revoke,
    Revoked,
    Run,
    Started,
    Status,
    Submit,
)
from engineroom.protocol.task_ranges import ranges_of
from engineroom.simulate.engines import PretendEngine

_DELIVER_EVERY = 200


class Plan(msgspec.Struct, frozen=True):
    """What is simulated. Times in seconds; `losses`: how many engines die, at random times."""

    engines: int = 1000
    tasks: int = 100_000
    clients: int = 4
    seconds: float = 0.05
    spread: float = 1.0
    latency: float = 0.0003
    losses: int = 0
    policy: str = "leastload"
    seed: int = 0


class Simulation:
    """One run of a plan: `start`, then `advance` to its end. `spent`: real seconds inside the core."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rng = Random(plan.seed)
        self.state = ControllerState(Limits(policy=plan.policy))
        self.now = 0.0
        self.spent = 0.0
        self.decisions = 0
        self.revokes = 0
        self.ended: dict[int, int] = {}
        """How many tasks ended with which status."""
        self._order = count()
        self._agenda: list[tuple[float, int, Peer, Event | Message | None]] = []
        self._clients = {Peer(1 + n): SessionId(bytes([n]) * 16) for n in range(plan.clients)}
        first = 1 + plan.clients
        self._engines = {
            Peer(first + n): PretendEngine(Peer(first + n), Instance(n.to_bytes(16))) for n in range(plan.engines)
        }
        self._undelivered: dict[Peer, list[int]] = {peer: [] for peer in self._clients}

    def run(self) -> None:
        """Play it all."""
        self.start()
        while self.advance():
            pass

    def start(self) -> None:
        """Let everybody in, and submit everything at once."""
        for peer, session in self._clients.items():
            self._tell(peer, ClientUp(session))
        for engine in self._engines.values():
            self._tell(engine.peer, EngineUp(engine.instance, pid=engine.peer))
            self._tell(engine.peer, Held())
        for peer in self.rng.sample(sorted(self._engines), min(self.plan.losses, len(self._engines) - 1)):
            ideal = self.plan.tasks * self.plan.seconds / self.plan.engines
            self._later(self.rng.random() * ideal, peer, EngineClosed(Closing(Why.CLOSED, "killed by the simulation")))
        self._submit_all()

    def advance(self, decisions: int = 1000) -> bool:
        """Go on for about so many decisions. False: every client has every result."""
        until = self.decisions + decisions
        while self._agenda and self.decisions < until and sum(self.ended.values()) < self.plan.tasks:
            self.now, _, peer, item = heapq.heappop(self._agenda)
            self._happen(peer, item)
        return bool(self._agenda) and sum(self.ended.values()) < self.plan.tasks

    def engines(self) -> Sequence[PretendEngine]:
        return list(self._engines.values())

    def _submit_all(self) -> None:
        call = Call(Kind.APPLY, b"f" * 16, b"x" * 40)
        sessions = list(self._clients.items())
        for number in range(self.plan.tasks):
            peer, session = sessions[number % len(sessions)]
            self._tell(peer, Submit(task_id(session, 1 + number // len(sessions)), call))

    def _later(self, delay: float, peer: Peer, item: Event | Message | None) -> None:
        heapq.heappush(self._agenda, (self.now + delay, next(self._order), peer, item))

    def _tell(self, peer: Peer, event: Event) -> None:
        """Hand `event` to the core, take the real time, and send off what it wants done."""
        before = perf_counter()
        actions = handle(self.state, peer, event, now=self.now, rng=self.rng)
        self.spent += perf_counter() - before
        self.decisions += 1
        for action in actions:
            self._perform(action)

    def _perform(self, action: Action) -> None:
        if isinstance(action, WakeAt):
            self._later(action.time - self.now, Peer(0), Tick())
        elif isinstance(action, Look):
            self._tell(action.peer, Seen(self._engines[action.peer].alive, action.at_once))
        elif isinstance(action, Send):
            if isinstance(action.message, Result):
                self._deliver(action.peer, action.message)
            elif action.peer in self._engines:
                self._later(self.plan.latency, action.peer, action.message)

    def _deliver(self, peer: Peer, result: Result) -> None:
        status = result.outcome.status
        self.ended[status] = self.ended.get(status, 0) + 1
        undelivered = self._undelivered[peer]
        undelivered.append(number_of(result.task))
        if len(undelivered) >= _DELIVER_EVERY:
            self._later(self.plan.latency, peer, Delivered(0, tuple(ranges_of(undelivered))))
            undelivered.clear()

    def _happen(self, peer: Peer, item: Event | Message | None) -> None:
        engine = self._engines.get(peer)
        if isinstance(item, EngineClosed) and engine is not None:
            engine.alive = False
            self._tell(peer, item)
        elif engine is None:
            if isinstance(item, Tick | Delivered):
                self._tell(peer, item)
        elif engine.alive:
            self._at_engine(engine, item)

    def _at_engine(self, engine: PretendEngine, item: Event | Message | None) -> None:
        match item:
            case Run():
                engine.add(item)
            case Revoke(task=task, attempt=attempt):
                self.revokes += 1
                given = engine.revoke(task, attempt)
                answer: Revoked | AlreadyStarted = Revoked(task, attempt) if given else AlreadyStarted(task, attempt)
                if given or (engine.running is not None and engine.running.task == task):
                    self._later(self.plan.latency, engine.peer, answer)
            case None:
                self._end(engine)
            case Finished() | Started() | Revoked() | AlreadyStarted():
                self._tell(engine.peer, item)
            case _:
                pass
        self._start(engine)

    def _start(self, engine: PretendEngine) -> None:
        run = engine.start()
        if run is not None:
            if run.announce:
                self._later(self.plan.latency, engine.peer, Started(run.task, run.attempt))
            self._later(self._seconds(run.task), engine.peer, None)

    def _end(self, engine: PretendEngine) -> None:
        run = engine.running
        assert run is not None
        engine.running = None
        engine.finished += 1
        seconds = self._seconds(run.task)
        engine.busy += seconds
        outcome = Ran(Status.OK, self.now - seconds, seconds)
        message = Finished(engine.finished, run.task, run.attempt, outcome, b"y" * 40)
        self._later(self.plan.latency, engine.peer, message)

    def _seconds(self, task: TaskId) -> float:
        """Return how long this task takes, on whichever engine: lognormal, with the plan's mean and spread."""
        spread = self.plan.spread
        drawn = Random(number_of(task) * 1000 + session_of(task)[0]).lognormvariate(-spread * spread / 2, spread)
        return self.plan.seconds * drawn
