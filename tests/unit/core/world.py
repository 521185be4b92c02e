"""A world in which anything may happen: clients and engines that keep account of what they are told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

import hypothesis.strategies as st

from engineroom.core.actions import Accept, Action, DropBody, EndEngine, HangUp, Listen, Look, Lost, Send
from engineroom.core.events import (
    Began,
    ClientBehind,
    Committed,
    FunctionMissing,
    HostClosed,
    HostSays,
    HostUp,
    Quiet,
    Seen,
)
from engineroom.core.limits import Limits
from engineroom.core.pressure import RESULT_BYTES
from engineroom.ids import Instance, Peer, TaskId, number_of
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import (
    Abort,
    Attach,
    Awaits,
    Coming,
    Condition,
    Delivered,
    Detach,
    Full,
    Options,
    Outcome,
    Output,
    Run,
    Status,
    ToClient,
    ToEngine,
    ToHost,
    Waits,
)
from engineroom.protocol.task_ranges import numbers_in
from tests.unit.core.confusion import confuse
from tests.unit.core.keepers import forget_all, is_of_kept_call, keep_or_forget
from tests.unit.core.pretend import (
    HostEnd,
    Play,
    PretendEngine,
    ResultBytes,
    instance_id,
    session_id,
    task,
    tasks,
    watcher,
)
from tests.unit.core.pretend_client import Bytes, Client

TRIVIAL = Outcome(Status.OK, 0.0, 0.00001)
LONG = Outcome(Status.OK, 0.0, 3.0)
FAILED = Outcome(Status.ERROR, 0.0, 0.01, "ValueError: no")
CLOSINGS = tuple(Closing(why, why.value) for why in Why)
OUTCOMES = (TRIVIAL, LONG, FAILED)
OPTIONS = (
    Options(),
    Options(retries=2),
    Options(rerun_lost=False),
    Options(rerun_lost=False, retries=1),
    Options(max_engine_losses=1, priority=5),
    Options(engines=(0, 2)),
    Options(engines=(1,), priority=-1),
)

STEPS = 46
"""So many different things can happen in a `World.step`..."""

KEEPING_STEPS = 49
"""... and so many if clients keep calls."""


def _beyond(world: World, what: int) -> Callable[[int, Client, PretendEngine, int], None]:
    """Return what happens in a step from 33 on."""
    if what <= 40:
        return partial(confuse, world)
    return world.depend if what < STEPS else partial(keep_or_forget, world)


Story = list[tuple[int, int, int]]
"""What happens, to whom, and how: for `World.step`, one after the other."""


def stories(steps: int = STEPS) -> st.SearchStrategy[Story]:
    """Return stories in which all may happen that is numbered below `steps`."""
    step = st.tuples(st.integers(0, steps - 1), st.integers(0, 11), st.integers(0, 59))
    return st.lists(step, min_size=20, max_size=120)


class World:
    """Two clients, any number of engines. `kept`: so many results are kept for both, a little less for one."""

    def __init__(
        self, policy: str, seed: int, *, engines: int = 1, kept: int = 5, play: Callable[[Limits, int], Play] = Play
    ) -> None:
        limits = Limits(
            policy=policy,
            prefetch_tasks=4,
            spread_tasks=(0, 64)[seed % 2],
            large_bytes=1000,
            idle_functions=1,
            kept_bytes=(kept - 2) * RESULT_BYTES,
            all_kept_bytes=kept * RESULT_BYTES,
            ping_every=3.0,
            unresponsive_timeout=(0.0, 12.0)[seed % 2],
            ahead_bytes=1300,
            ahead_direct_bytes=1300,
        )
        self.play = play(limits, seed)
        self.play.state.recording = True
        self.play.state.journal.early = seed % 3 == 0
        self.ended: set[TaskId] = set()
        self.peers = count(1)
        self.clients = [Client(self, 1), Client(self, 2)]
        self.engines: list[PretendEngine] = []
        self.clients[1].careless = seed % 2 == 0
        self.silent_hosts: set[Peer] = set()
        """They are connected, if they are, and say nothing."""
        self.perform(self.play(Peer(0), Began((b"", b"host\x00")[seed % 3 % 2])))
        for _ in range(engines):
            self.join()

    def instance(self, place: int) -> Instance:
        """Return the process that clients know as this engine; now and then it is not there any more."""
        return self.engines[place].instance if place < len(self.engines) else instance_id(500 + place)

    def knows(self, hash_: bytes) -> bool:
        """Whether this function is in the controller: then nobody is to send it."""
        function = self.play.state.functions.get(hash_)
        return function is not None and not function.away

    def join(self) -> None:
        engine = PretendEngine(self.play, len(self.engines), self.peers)
        self.engines.append(engine)
        self.perform(engine.up())

    def perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send():
                    self.pass_on(action)
                case Accept(body=Bytes() as body):
                    assert not body.refused
                    assert body.client.peer is not None
                    body.client.wanted.append(body)
                case Accept(body=ResultBytes() as result):
                    assert result.peer == result.engine.peer
                    result.engine.wanted.append(result)
                case DropBody(body=Bytes() as body):
                    body.refused = True
                case Look() | Listen() | EndEngine() | HangUp() | Lost():
                    self.look_after(action)

    def look_after(self, action: Look | Listen | EndEngine | HangUp | Lost) -> None:
        """Do what the controller's shell does about those who may not be there."""
        match action:
            case Look(peer=peer, at_once=at_once):
                self.perform(self.play(peer, Seen(not self.is_dead(peer), at_once)))
            case Listen(peers=asked):
                quiet = [engine.peer for engine in self.engines if engine.stopped and engine.peer is not None]
                self.perform(self.play(Peer(0), Quiet((*quiet, *self.silent_hosts), asked)))
            case EndEngine(peer=peer) | HangUp(peer=peer):
                self.perform(self.with_peer(peer).away(Closing(Why.GOODBYE, ""), dead=True))
            case Lost(peer=peer):
                self.with_peer(peer).given_up = True

    def pass_on(self, send: Send) -> None:
        """Hand on what is sent: something that the role of its receiver can read."""
        for engine in self.engines:
            if engine.peer == send.peer:
                assert isinstance(send.message, ToEngine)
                if isinstance(send.message, Delivered):
                    self.check_acknowledged(engine, send.message)
                if isinstance(send.message, Run):
                    self.check_run(engine, send.message)
                engine.inbox.append(send.message)
                return
        for client in self.clients:
            if client.peer == send.peer:
                assert isinstance(send.message, ToClient)
                client.hear(send.message)
                return
        if send.peer in self.play.state.presence.host_peers:
            assert isinstance(send.message, ToHost)

    def check_run(self, engine: PretendEngine, run: Run) -> None:
        """A direct task is sent where it is bound to, a balanced one where all kept calls have ended."""
        first = self.play.state.instances[engine.instance].first
        if not run.direct:
            assert not first, "a balanced task overtakes a kept call"
        elif not is_of_kept_call(run.task):
            assert any(client.bound.get(run.task) == engine.instance for client in self.clients)

    def check_acknowledged(self, engine: PretendEngine, message: Delivered) -> None:
        """What an engine may forget has arrived for good, or was of an attempt that does not count."""
        for number, its in engine.unacknowledged.items():
            if is_of_kept_call(its.task):
                continue
            client = next(client for client in self.clients if its.task in client.submitted)
            result = client.results.get(its.task)
            if number <= message.up_to or number in numbers_in(message.also):
                stale = result is None or result.body != its.body
                assert its.task in client.confirmed or stale or engine.given_up or engine.was_full

    def with_peer(self, peer: Peer) -> PretendEngine:
        return next(engine for engine in self.engines if engine.last_peer == peer)

    def is_dead(self, peer: Peer) -> bool:
        """Whether the process of an engine, or of a host, is gone."""
        return any(engine.dead for engine in self.engines if engine.last_peer == peer)

    def step(self, what: int, who: int, how: int) -> None:
        """Do one thing: `who` chooses whom it happens to, `how` the details."""
        client = self.clients[who % 2]
        self.record(how % 7 == 0)
        if not self.engines:
            self.join()
        engine = self.engines[who % len(self.engines)]
        if what < 6:
            self.ask(what, client, how)
        elif what < 13:
            self.work(what, engine, how)
        elif what < 20:
            self.disturb(what, client, engine, how)
        elif what > 32:
            _beyond(self, what)(what, client, engine, how)
        elif what > 26:
            self.bring(what, client, engine, how)
        elif what == 20:
            says = Coming(how % 3, how % 3 if how % 2 else 0, how % 4 == 0)
            self.perform(self.play(Peer(0), HostSays(engine.host, says)))
        else:
            self.be_gone(what, engine, how)

    def record(self, now: bool = True) -> None:
        """Whoever keeps records takes what was noted, `now` or later: the end of each task once."""
        if not now:
            return
        journal = self.play.state.journal
        ended = [task.id for task, _, _ in journal.ended]
        assert len({*ended} - self.ended) == len(ended), "a task has ended twice"
        self.ended.update(ended)
        journal.ended.clear()
        journal.submitted.clear()
        if journal.early:
            self.perform(self.play(Peer(0), Committed(journal.last)))

    def bring(self, what: int, client: Client, engine: PretendEngine, how: int) -> None:
        """Bytes come, or do not, or are missed where they should be."""
        match what:
            case 27:
                if client.peer is not None:
                    self.perform(self.play(client.peer, ClientBehind(behind=how % 3 == 0)))
            case 28 | 29:
                client.send_bytes(how)
            case 30:
                client.send_function(how)
            case 32:
                engine.was_full = True
                self.perform(engine.say(Full(1000 * (how % 3), 1000)))
            case _ if engine.peer is not None and not engine.given_up:
                missing = FunctionMissing(b"fgh"[how % 3 : how % 3 + 1])
                self.perform(self.play(engine.peer, missing))
            case _:
                pass

    def ask(self, what: int, client: Client, how: int) -> None:
        """A client does something."""
        match what:
            case 0 | 1:
                client.submit(None, OPTIONS[how % len(OPTIONS)], b"fg"[how % 2 : how % 2 + 1], 600 * (how % 5 == 4))
            case 2:
                client.submit((how % 4,), OPTIONS[how % 3], b"h", 600 * (how % 5 == 1))
            case 3:
                client.submit((0, 1, how % 6), OPTIONS[0], b"", (0, 600, 900)[how % 3])  # some name an engine twice
            case 4:
                client.submit_again()
                if how % 3:
                    client.stay()
                client.deliver(also=how % 2 == 0)
                if how % 5 == 4:
                    self.attach(client, how // 5)
            case _ if client.peer is not None and client.submitted:
                chosen = client.submitted[how % len(client.submitted) :][: (3, 1, 9)[how % 3]]
                event = Abort(tasks(*map(number_of, chosen), client=client.number), how % 2 == 0, again=how % 3 == 2)
                self.perform(self.play(client.peer, event))
            case _:
                pass

    def attach(self, client: Client, how: int) -> None:
        """A client attaches to a call of the other one, or leaves it."""
        other = self.clients[client is self.clients[0]]
        number = how % (len(other.submitted) + 1)
        named = task(number, other.number)
        event = Attach(1, named if number else b"", how % 3 == 0) if how % 4 else Detach(named)
        self.perform(self.play(client.peer or Peer(100_000), event))

    def depend(self, what: int, client: Client, engine: PretendEngine, how: int) -> None:
        """A client submits what waits for others, or an engine finds that it is none for a task."""
        last = len(client.submitted)
        if what == 45:
            self.perform(engine.refuse())
        elif last:
            near, far = max(1, last - how % 3), max(1, last - how % 7)
            one, few = ((session_id(client.number), near, near),), ((session_id(client.number), far, last),)
            awaits = (
                Awaits(inputs=one),
                Awaits(inputs=few),
                Awaits(inputs=(*one, *few)),
                Awaits(after=Condition(few, how % 2 == 0, how % 3 > 0, how % 5 < 2), inputs=one if how % 4 else ()),
                Awaits(follow=Condition(few, how % 2 == 0, success=True, failure=how % 5 < 2), timeout=float(how % 3)),
                Awaits(after=Condition(one), timeout=2.0 * (how % 2), inputs=few),
            )[how % 6]
            to = ((how % 4,), (0, how % 6))[how % 2] if what == 44 else None
            options = OPTIONS[how % len(OPTIONS)] if to is None else OPTIONS[how % 3]
            client.submit(to, options, b"fg"[how % 2 : how % 2 + 1], 600 * (how % 5 == 4), awaits)

    def work(self, what: int, engine: PretendEngine, how: int) -> None:
        """An engine does something, or time passes."""
        match what:
            case 6:
                self.play.now += (0.001, 0.2, 5.0)[how % 3]
                self.perform(self.play.tick(0.0))
            case 7 | 8 | 9:
                for _ in range(1 + how % 3):
                    self.perform(engine.read())
                self.perform(engine.start(say=how % 2 == 0))
                self.perform(engine.send_bytes(how))
            case _:
                self.perform(engine.finish(OUTCOMES[how % 3], size=(0, 0, 700, 1600)[how // 3 % 4]))
                if how % 4:
                    self.perform(engine.start())
                if engine.running is not None and how % 7 < 2:
                    self.perform(engine.say(Waits(engine.running.task, engine.running.attempt, how % 7 == 0)))
                if engine.running is not None and engine.peer is not None and how % 5 == 0:
                    output = Output(engine.running.task, engine.running.attempt, 1, 0, "hello")
                    self.perform(self.play(engine.peer, output))

    def disturb(self, what: int, client: Client, engine: PretendEngine, how: int) -> None:
        """Somebody comes or goes."""
        match what:
            case 13:
                client.gone()
            case 14:
                client.up()
            case 15 if len(self.engines) < 6:
                self.join()
            case 16:
                self.perform(engine.away())
            case 17:
                self.perform(engine.up(wanted_id=engine.id if how % 4 == 0 and engine.id >= 0 else None))
            case 18 | 19:
                self.perform(engine.lost(own=how % 2 == 0, looked=how % 5 < 2))
                if how % 3 == 0:
                    engine.become_another(next(self.peers))
            case _:
                pass

    def be_gone(self, what: int, engine: PretendEngine, how: int) -> None:
        """A host comes or goes, an engine dies unseen, or falls silent."""
        host = watcher(engine.host)
        match what:
            case 21:
                self.perform(self.play(Peer(0), HostEnd(engine.host)))
            case 22:
                self.perform(self.play(host, HostUp(engine.host, how % 2)))
            case 23:
                self.perform(self.play(host, HostClosed(CLOSINGS[how % len(CLOSINGS)])))
            case 24:
                if engine.peer is not None:
                    self.perform(engine.away(CLOSINGS[how % len(CLOSINGS)], dead=how % 2 == 0))
            case _:
                engine.stopped = how % 3 > 0 and engine.peer is not None

    def live_or_die(self, engine: PretendEngine, kills: set[TaskId]) -> None:
        """Let `engine` do a little; a task of `kills` ends it, by its own doing."""
        if engine.given_up:
            return
        while engine.inbox:
            self.perform(engine.read())
        self.perform(engine.send_bytes(1))
        self.perform(engine.finish(TRIVIAL))
        self.perform(engine.start())
        if engine.running is not None and engine.running.task in kills:
            self.perform(engine.lost("killed by SIGSEGV", own=True, looked=True))
        self.perform(self.play.tick(0.001))

    def tell(self, story: Story) -> None:
        """Let both clients in, and have the steps of `story` happen."""
        for client in self.clients:
            client.up()
        for step in story:
            self.step(*step)

    def everybody_knows(self) -> None:
        """Assert that each client has the end of each of its tasks, once and for good."""
        for client in self.clients:
            assert set(client.results) == set(client.submitted)
            assert client.confirmed == set(client.submitted)
            self.check_arguments(client)

    def check_arguments(self, client: Client) -> None:
        """Assert that each result was made of the results that its client has got, however often they were made."""
        made_of = {body: given for engine in self.engines for body, given in engine.made_of.items()}
        for its in client.results.values():
            if its.outcome.status == Status.OK:
                for id_, body in made_of[its.body].items():
                    assert client.results[id_].body == body

    def settle(self, withholder: Client | None = None) -> None:
        """Everybody comes back, and all that can be done is done; `withholder` sends no bytes that it is asked for."""
        for client in self.clients:
            client.withholds = client is withholder
            client.up()
            forget_all(self, client)
        self.join()
        for engine in self.engines:
            engine.stopped = False
            if engine.peer is None:
                self.perform(engine.up())
            self.perform(engine.say(Full()))
        while self.play.state.next_id < 3:  # somebody may wait for the first three
            self.join()
        self.end_hosts()
        self.go_on_until_quiet()

    def settle_without_help(self) -> None:
        """No engine joins any more: hosts end, who is away is lost; what those that are left can do is done."""
        for client in self.clients:
            client.withholds = False
            client.up()
            forget_all(self, client)
        self.end_hosts()
        for engine in self.engines:
            engine.stopped = False
            if engine.peer is None and engine.last_peer in self.play.state.engine_peers:
                self.perform(engine.lost())
            self.perform(engine.say(Full()))
        self.go_on_until_quiet()

    def end_hosts(self) -> None:
        """No host has anything in hand any more."""
        self.silent_hosts.clear()
        for host in sorted({engine.host for engine in self.engines}):
            self.perform(self.play(Peer(0), HostEnd(host)))

    def go_on_until_quiet(self) -> None:
        for _ in range(500):
            self.go_on()
            if self.is_quiet():
                self.go_on()  # so that the last result is acknowledged
                return

    def go_on(self) -> None:
        """Let everybody do a little."""
        for engine in self.engines:
            while engine.inbox:
                self.perform(engine.read())
            while engine.wanted:
                self.perform(engine.send_bytes(1))
            self.perform(engine.finish(TRIVIAL))
            self.perform(engine.start())
        for client in self.clients:
            client.submit_again()
            client.staying.clear()
            while client.wanted and not client.withholds:
                client.send_bytes(1)
            while client.asked and not client.withholds:
                client.send_function(1)
            client.deliver(also=True)
        self.record()
        self.perform(self.play.tick(0.2))

    def is_quiet(self) -> bool:
        """Whether nothing more will happen."""
        busy = any(engine.running or engine.inbox or engine.wanted for engine in self.engines)
        return not busy and not any(session.tasks or session.unsent for session in self.play.state.sessions.values())
