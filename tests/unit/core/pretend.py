"""Clients and engines to play against the core: no sockets, no clock, every message delivered at once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from random import Random

import msgspec
from msgspec.structs import replace

from engineroom.core.actions import Action, Send, ToPeer
from engineroom.core.events import (
    ClientUp,
    EngineClosed,
    EngineUp,
    Event,
    HostClosed,
    HostSays,
    HostUp,
    Large,
    ResultAnnounced,
    Tick,
)
from engineroom.core.limits import Limits
from engineroom.core.reactor import handle
from engineroom.core.state import ControllerState
from engineroom.engine.held import held_pieces
from engineroom.ids import Instance, Peer, SessionId, TaskId, session_of, task_id
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import (
    DEFAULT_OPTIONS,
    AlreadyStarted,
    Call,
    Coming,
    Delivered,
    Ended,
    EngineExited,
    Finished,
    ForgetInputs,
    Full,
    Held,
    Input,
    Interrupt,
    Kind,
    Options,
    Outcome,
    Refused,
    Result,
    Revoke,
    Revoked,
    Run,
    Started,
    Status,
    Stream,
    Submit,
    Unmet,
    Waits,
    Withdraw,
    Withdrawn,
)
from engineroom.protocol.task_ranges import AttemptRange, TaskRanges, attempt_ranges, attempts_in, numbers_in, ranges_of

NO_PEER = Peer(0)


def names_of(spans: tuple[tuple[bytes, int, int], ...]) -> set[TaskId]:
    """Return the tasks that spans name."""
    return {task_id(SessionId(id_), number) for id_, first, last in spans for number in range(first, last + 1)}


def watcher(host: bytes) -> Peer:
    """Return the peer that is the host with this instance."""
    return Peer(1_000_000 + int.from_bytes(host))


FUNCTION = b"f" * 16
CALL = Call(Kind.APPLY, FUNCTION, b"call")
OK = Outcome(Status.OK, 0.0, 0.001)
ERROR = Outcome(Status.ERROR, 0.0, 0.001, "ValueError: no")
ABORTED = Outcome(Status.ABORTED, 0.0, 0.0)


def session_id(number: int = 1) -> SessionId:
    return SessionId(bytes([number]) * 16)


def instance_id(number: int) -> Instance:
    return Instance(b"engine" + number.to_bytes(10))


def instances(numbers: Iterable[int]) -> bytes:
    """Return how a Submit names the engines that `instance_id` gives for `numbers`."""
    return b"".join(map(instance_id, numbers))


CUT = EngineClosed(Closing(Why.SILENT, "timed out"))
"""An engine's connection is cut: it may come back for long."""


class Death(msgspec.Struct, frozen=True):
    """In place of an event: the host of an engine says how it ended, and then its connection closes."""

    cause: str
    own: bool = False
    running: tuple[tuple[TaskId, int], ...] | None = None
    words: str = ""


class HostEnd(msgspec.Struct, frozen=True):
    """In place of an event: a host says goodbye."""

    host: bytes


class Play:
    """A core and a hand that feeds it: `play(peer, event)` returns the actions, and checks the state."""

    def __init__(self, limits: Limits | None = None, seed: int = 0, *, recording: bool = False) -> None:
        self.state = ControllerState(limits, recording=recording)
        self.rng = Random(seed)
        self.now = 100.0

    def __call__(self, peer: int, event: Event | Death | HostEnd) -> list[Action]:
        """Feed `event`; an engine that comes is one that holds nothing, and says so at once."""
        if isinstance(event, Death):
            return self.die(peer, event)
        if isinstance(event, HostEnd):
            self(watcher(event.host), HostUp(event.host))
            return self(watcher(event.host), HostClosed(Closing(Why.GOODBYE, "")))
        actions = self.alone(peer, event)
        return actions + self.alone(peer, Held()) if isinstance(event, EngineUp) else actions

    def alone(self, peer: int, event: Event) -> list[Action]:
        """Feed `event`, and nothing else."""
        actions = handle(self.state, Peer(peer), event, now=self.now, rng=self.rng)
        self.state.check()
        return actions

    def back(self, peer: int, event: EngineUp, held: Held) -> list[tuple[int, ToPeer]]:
        """Have an engine come that holds something; return what is sent, to whom."""
        actions = self.alone(peer, event) + self.alone(peer, held)
        return one_by_one(actions)

    def die(self, peer: int, death: Death) -> list[Action]:
        """Let an engine die, with whatever its host has to say."""
        engine = self.state.engine_peers.get(Peer(peer))
        if engine is None:
            return []
        known = self.state.presence.hosts.get(engine.host)
        if known is None or known.peer is None:
            says = self.state.hosts.get(engine.host, Coming())
            self(watcher(engine.host), HostUp(engine.host))
            self(watcher(engine.host), HostSays(engine.host, says))
        host = self.state.presence.hosts[engine.host].known_as
        exited = EngineExited(engine.instance, death.cause, death.own, death.running, death.words)
        return self(host, exited) + self(peer, EngineClosed(Closing(Why.CLOSED, "closed")))

    def quietly(self, peer: int, event: Event) -> list[Action]:
        """Feed without checking the state, which costs time when there is much of it."""
        return handle(self.state, Peer(peer), event, now=self.now, rng=self.rng)

    def connect(self, client: int) -> None:
        """Let `client` in, as the peer of the same number."""
        self(client, ClientUp(session_id(client)))

    def sent(self, peer: int, event: Event | Death | HostEnd) -> list[tuple[int, ToPeer]]:
        """Return only what is sent, to whom; of tasks that end alike, one by one."""
        return one_by_one(self(peer, event))

    def tick(self, seconds: float) -> list[Action]:
        """Let time pass, then hand in a Tick."""
        self.now += seconds
        return self(NO_PEER, Tick())


def one_by_one(actions: list[Action]) -> list[tuple[int, ToPeer]]:
    """Return what is sent, to whom, with the ends of many tasks one by one."""
    sent: list[tuple[int, ToPeer]] = []
    for action in actions:
        if isinstance(action, Send) and isinstance(action.message, Ended):
            ended = action.message
            sent += [(action.peer, Result(id_, ended.engine, ended.outcome)) for id_ in ended.tasks.tasks()]
        elif isinstance(action, Send):
            sent.append((action.peer, action.message))
    return sent


def task(number: int, client: int = 1) -> TaskId:
    return task_id(session_id(client), number)


def tasks(*numbers: int, client: int = 1) -> TaskRanges:
    return TaskRanges(session_id(client), tuple(ranges_of(numbers)))


def submit(
    number: int,
    to: tuple[int, ...] | bytes | None = None,
    options: Options = DEFAULT_OPTIONS,
    *,
    client: int = 1,
    call: Call = CALL,
    size: int = 0,
) -> Submit:
    if size:
        call = replace(call, body=Stream(1, size))
    return Submit(task(number, client), call, instances(to) if isinstance(to, tuple) else to, options)


def run(number: int, attempt: int = 1, *, direct: bool = False, announce: bool = False, client: int = 1) -> Run:
    return Run(task(number, client), attempt, CALL, direct, announce)


def result(number: int, engine: int, outcome: Outcome = OK, body: bytes = b"", *, client: int = 1) -> Result:
    return Result(task(number, client), engine, outcome, body)


class ResultBytes(msgspec.Struct, frozen=True, eq=False):
    """The bytes of a large result, which its engine sends over the connection that is `peer`."""

    engine: PretendEngine
    peer: Peer
    message: Finished


class PretendEngine:
    """An engine that plays by the rules of the real one: its queue is the arbiter.

    `inbox` holds what the core has sent and it has not read. While `peer` is None it goes on, and keeps its words.
    """

    def __init__(self, play: Play, number: int, peers: count[int]) -> None:
        self.play = play
        self.instance = instance_id(number)
        self.host = b"host" + bytes([number % 2])
        self.peers = peers
        self.peer: Peer | None = None
        self.last_peer = NO_PEER
        self.id = -1
        self.given_up = False
        """It was taken for dead once, rightly or not: what it held then counts no more."""
        self.was_full = False
        """It has said once that it is full: then it may forget what its clients do not have yet."""
        self.inbox: list[ToPeer] = []
        self.direct: list[Run] = []
        self.balanced: list[Run] = []
        self.running: Run | None = None
        self.numbers = count(1)
        self.unacknowledged: dict[int, Finished] = {}
        self.wanted: list[ResultBytes] = []
        """What it has been asked for and has not sent."""
        self.repeated: set[int] = set()
        """Numbers of results that it has sent more than once: their acknowledgements may come twice."""
        self.runs: list[Run] = []
        """All that it has started, in order."""
        self.interrupted: list[Interrupt] = []
        self.pid = number % 3
        """0: its process can't be seen by the controller."""
        self.dead = False
        """Whether its process is gone, for whoever looks."""
        self.stopped = False
        """It does nothing, and answers nothing."""
        self.large = False
        """Its results are too long for their messages."""
        self.inputs: dict[TaskId, object] = {}
        """Results of others that it was sent, and has not been told to forget."""
        self.given: dict[tuple[TaskId, int], dict[TaskId, object]] = {}
        """By attempt: what is there of its arguments that are results of other tasks."""
        self.made_of: dict[object, dict[TaskId, object]] = {}
        """By result, in all its lives: the arguments of which it was made."""

    def up(self, wanted_id: int | None = None) -> list[Action]:
        """Connect, for the first time or again, and repeat every result that is not acknowledged."""
        self.inbox.clear()
        self.wanted.clear()
        self.dead = self.stopped = False
        self.peer = self.last_peer = Peer(next(self.peers))
        pairs = [[] if self.running is None else [self.running], self.direct + self.balanced]
        running, queued = ([(r.task, r.attempt) for r in these] for these in pairs)
        finished = [(f.task, f.attempt) for f in self.unacknowledged.values()]
        event = EngineUp(
            self.instance,
            wanted_id=wanted_id,
            host=self.host,
            spawned=self.pid != 1,
            launched=self.pid == 1,
            pid=self.pid,
        )
        actions = self.play.alone(self.peer, event)
        if any(isinstance(a, Send) and isinstance(a.message, Refused) for a in actions):
            self.peer = None
            return actions
        for piece in held_pieces(running, queued, finished, most=2):
            actions += self.play.alone(self.peer, piece)
        self.id = self.play.state.instances[self.instance].id
        self.repeated.update(self.unacknowledged)
        for message in list(self.unacknowledged.values()):
            actions += self.say(message)
        return actions

    def away(self, closing: Closing = CUT.closing, *, dead: bool = False) -> list[Action]:
        """Lose the connection; `dead`: because the process has ended, which nobody says."""
        self.inbox.clear()
        self.wanted.clear()
        self.inputs.clear()
        self.direct, self.balanced = ([r for r in q if self.is_ready(r)] for q in (self.direct, self.balanced))
        self.peer, self.dead = None, dead
        return self.play(self.last_peer, EngineClosed(closing))

    def lost(self, cause: str = "killed by SIGKILL", *, own: bool = False, looked: bool = False) -> list[Action]:
        """Die; `own`: by its own doing; `looked`: its host could see what ran."""
        self.inbox.clear()
        self.wanted.clear()
        self.peer = None
        self.given_up = self.dead = True
        ran = () if self.running is None else ((self.running.task, self.running.attempt),)
        return self.play(self.last_peer, Death(cause, own, ran if looked else None))

    def become_another(self, number: int) -> None:
        """Be the next life of this engine, with nothing of the last."""
        self.instance = instance_id(1000 + number)
        self.direct, self.balanced, self.running = [], [], None
        self.inputs.clear()
        self.unacknowledged.clear()
        self.repeated.clear()
        self.numbers = count(1)
        self.given_up = False

    def say(
        self, message: Full | Started | Waits | Finished | Unmet | Revoked | Withdrawn | AlreadyStarted
    ) -> list[Action]:
        """Say something; the bytes of a large result follow it when they are asked for."""
        if self.peer is None:
            return []
        if isinstance(message, Finished) and isinstance(message.body, Stream):
            return self.play(self.peer, ResultAnnounced(message, ResultBytes(self, self.peer, message)))
        return self.play(self.peer, message)

    def read(self) -> list[Action]:
        """Take in the oldest message of the inbox."""
        if not self.inbox or self.stopped:
            return []
        match self.inbox.pop(0):
            case Run() as message if message not in (*self.direct, *self.balanced, self.running):
                self.take(message)
            case Input() | ForgetInputs() as message:
                self.hear_of_input(message)
            case Revoke(task=id_, attempt=attempt):
                return self.give_back(id_, attempt)
            case Withdraw(attempts=attempts):
                return self.give_all_back(attempts)
            case Interrupt() as interrupt:
                self.interrupted.append(interrupt)
            case Delivered(up_to=up_to, also=also):
                self.forget({n for n in self.unacknowledged if n <= up_to}.union(numbers_in(also)))
        return []

    def take(self, message: Run) -> None:
        """Queue an attempt; what it lacks must be the result of another that is here and has not ended, or of one that
        has failed: it is asked back once the controller has that error."""
        wanted = names_of(message.inputs)
        made = {its.task: its.body for its in self.unacknowledged.values() if its.outcome.status == Status.OK}
        failed = {its.task for its in self.unacknowledged.values()} - made.keys()
        known = {**self.inputs, **made}
        given = self.given[message.task, message.attempt] = {id_: known[id_] for id_ in wanted & known.keys()}
        here = {run.task for run in (*self.direct, *self.balanced, self.running) if run is not None}
        asked_back = any(isinstance(later, Revoke | Withdraw) for later in self.inbox)
        assert wanted - given.keys() <= here | failed or asked_back, "an argument that will never come"
        (self.direct if message.direct else self.balanced).append(message)

    def arrive(self, id_: TaskId, body: object) -> None:
        """A result is there for the attempts that are queued."""
        for run in (*self.direct, *self.balanced):
            if id_ in names_of(run.inputs):
                self.given[run.task, run.attempt].setdefault(id_, body)

    def is_ready(self, run: Run) -> bool:
        return names_of(run.inputs) <= self.given[run.task, run.attempt].keys()

    def next_run(self) -> Run | None:
        """Return what may start now: a direct one behind none of its client that is not ready, or a balanced one."""
        blocked = set()
        for run in self.direct:
            if self.is_ready(run) and session_of(run.task) not in blocked:
                return run
            blocked.add(session_of(run.task))
        return next(filter(self.is_ready, self.balanced), None)

    def refuse(self) -> list[Action]:
        """Find that this engine is none for the balanced task that runs."""
        run = self.running
        if run is None or run.direct or self.stopped or self.peer is None:
            return []
        self.running = None
        return self.say(Unmet(run.task, run.attempt, "not here"))

    def give_all_back(self, attempts: tuple[AttemptRange, ...]) -> list[Action]:
        """Answer a Withdraw."""
        gone = [key for key in attempts_in(attempts) if self.forget_attempt(*key)]
        said = [] if not gone else self.say(Withdrawn(tuple(attempt_ranges(gone))))
        if self.running is not None and (self.running.task, self.running.attempt) in attempts_in(attempts):
            said += self.say(AlreadyStarted(self.running.task, self.running.attempt))
        return said

    def hear_of_input(self, message: Input | ForgetInputs) -> None:
        """Have the result of another task, or forget some, which the attempts that name them keep."""
        if isinstance(message, Input):
            self.inputs[message.task] = message.body
            self.arrive(message.task, message.body)
        else:
            for id_ in message.tasks.tasks():
                self.inputs.pop(id_, None)

    def give_back(self, id_: TaskId, attempt: int) -> list[Action]:
        """Answer a Revoke; nothing, if the attempt has ended."""
        if self.forget_attempt(id_, attempt):
            return self.say(Revoked(id_, attempt))
        if self.running is not None and (self.running.task, self.running.attempt) == (id_, attempt):
            return self.say(AlreadyStarted(id_, attempt))
        return []

    def forget_attempt(self, id_: TaskId, attempt: int) -> bool:
        """Whether an attempt waited here; it does no more."""
        for queue in (self.direct, self.balanced):
            for message in queue:
                if (message.task, message.attempt) == (id_, attempt):
                    queue.remove(message)
                    return True
        return False

    def forget(self, numbers: set[int]) -> None:
        """Forget results that are where they should be."""
        assert numbers <= self.unacknowledged.keys() | self.repeated, "acknowledged twice"
        for number in numbers:
            self.unacknowledged.pop(number, None)

    def start(self, *, say: bool = False) -> list[Action]:
        """Start what is next, if nothing runs; an announced one only if it can be announced."""
        first = self.next_run()
        if self.stopped or self.running is not None or first is None or (first.announce and self.peer is None):
            return []
        self.running = first
        (self.direct if first.direct else self.balanced).remove(first)
        self.runs.append(self.running)
        if self.running.announce or say:
            return self.say(Started(self.running.task, self.running.attempt))
        return []

    def send_bytes(self, how: int) -> list[Action]:
        """Send a large result that it has been asked for, or break off."""
        if not self.wanted or self.stopped or self.peer is None:
            return []
        body = self.wanted.pop(how % len(self.wanted))
        message = body.message
        if how % 7 == 0:
            return self.play(self.peer, replace(message, outcome=Outcome(Status.LOST, 0.0, 0.0, "no memory"), body=b""))
        return self.play(self.peer, Large(message, body))

    def finish(self, outcome: Outcome = OK, *, size: int = 0) -> list[Action]:
        """End what runs; `size`: of its result, if that is large."""
        if self.running is None or self.stopped:
            return []
        number = next(self.numbers)
        size = size or 70_000 * self.large
        payload = Stream(next(self.peers), size) if size else b"result %d of " % number + self.instance
        message = Finished(number, self.running.task, self.running.attempt, outcome, payload)
        self.made_of[payload] = self.given.get((message.task, message.attempt), {})
        self.running = None
        self.unacknowledged[message.number] = message
        if outcome.status == Status.OK:
            self.arrive(message.task, payload)
        return self.say(message)
