"""A world in which the controller may be killed, too: another one goes on in its place, told by engines and clients."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from engineroom.core.actions import Action
from engineroom.core.clients import known_up_to
from engineroom.core.events import Began, ClientUp, EngineUp, KnownEngine, Restored
from engineroom.core.limits import Limits
from engineroom.core.lives import LIFE_BITS, OF_ONE_LIFE
from engineroom.core.state import ControllerState
from engineroom.ids import INSTANCE_BYTES, NOBODY, Peer, TaskId, number_of, task_id
from engineroom.protocol.messages import Call, Delivered, Kind, Result, Run, Status, Submit, SubmitAgain, Sync
from engineroom.protocol.task_ranges import numbers_in, one_task, ranges_of
from tests.unit.core.keepers import is_of_kept_call
from tests.unit.core.pretend import NO_PEER, Play, PretendEngine, session_id
from tests.unit.core.pretend_client import Client
from tests.unit.core.world import STEPS, World


def knowledge(state: ControllerState, life: int) -> Restored:
    """Return what a controller with this `state` has written down for the next one, which lives as number `life`."""
    known = [
        KnownEngine(
            id_,
            EngineUp(
                engine.instance,
                engine.info,
                host=engine.host,
                spawned=engine.spawned,
                launched=engine.launched,
                pid=engine.pid,
                tunnel=engine.tunnel,
            ),
        )
        for id_, engine in state.engines.items()
    ]
    return Restored(life, tuple(known), state.next_id, tuple(state.used_ids))


def restart(play: Play, life: int, *, forgets: bool = False) -> None:
    """Have another controller go on in the place of that of `play`; `forgets`: what was written down is lost."""
    before = play.state
    play.state = ControllerState(before.limits, recording=before.recording)
    play(NO_PEER, Restored(life) if forgets else knowledge(before, life))


class ReturningClient(Client):
    """A client that submits again, to a controller that has just started, what it has no results of."""

    def __init__(self, world: World, number: int) -> None:
        super().__init__(world, number)
        self.made_again: dict[TaskId, Submit] = {}

    def up(self) -> None:
        self.wanted.clear()
        self.asked.clear()
        self.keeps.clear()
        self.peer = Peer(next(self.world.peers))
        if isinstance(self.world, RestartedWorld):
            self.world.returns(self.number)
        known = known_up_to(self.world.play.state, session_id(self.number))
        self.world.perform(self.world.play(self.peer, ClientUp(session_id(self.number))))
        messages = {its.task: its for id_, its in self.submits.items() if number_of(id_) > known and not self.has(id_)}
        for message in messages.values():
            self.send_submit(self.without_ended(message))
        self.make_again(known)
        failed = [number_of(id_) for id_, its in self.results.items() if its.outcome.status != Status.OK]
        self.world.perform(self.world.play(self.peer, Sync(tuple(ranges_of(failed)))))

    def make_again(self, known: int) -> None:
        """Submit, behind all those that take them, tasks that make results again which this client has."""
        for id_ in sorted(self.pinned() - self.staying):
            result = self.results.get(id_)
            if result is not None and result.outcome.status == Status.OK and number_of(id_) > known:
                self.made_again[id_] = Submit(id_, Call(Kind.APPLY))
                self.send_submit(self.made_again[id_])

    def asked_again(self, message: SubmitAgain) -> None:
        made = [id_ for id_ in message.tasks.tasks() if id_ in self.made_again]
        self.again += [self.made_again[id_] for id_ in made]
        for id_ in message.tasks.tasks():
            if id_ not in made:
                super().asked_again(SubmitAgain(one_task(id_)))

    def has(self, id_: TaskId) -> bool:
        return id_ in self.results

    def without_ended(self, message: Submit) -> Submit:
        """Return what is left of a direct call some of whose tasks have ended."""
        if message.to is None:
            return message
        first, to = number_of(message.task), message.to
        places = range(len(to) // INSTANCE_BYTES)
        ended = [self.has(task_id(session_id(self.number), first + place)) for place in places]
        instances = [to[place * INSTANCE_BYTES :][:INSTANCE_BYTES] for place in places]
        return replace(
            message, to=b"".join([NOBODY if over else its for its, over in zip(instances, ended, strict=True)])
        )

    def got(self, result: Result) -> None:
        """Take a result, once: what comes again, from a controller that can't know, is acknowledged once more."""
        if result.task not in self.results:
            super().got(result)
        elif result.task in self.confirmed:
            self.repeated.add(result.task)

    def cut(self) -> None:
        """The controller is gone, and what it was sent."""
        self.peer = None
        for waiting in (self.wanted, self.asked, self.keeps, self.again):
            waiting.clear()


class RestartedWorld(World):
    """Whatever happens, a task whose result is with its client is not run again; nor one that runs on an engine that is
    here."""

    def __init__(self, policy: str, seed: int, *, play: Callable[[Limits, int], Play] = Play) -> None:
        self.life = 0
        super().__init__(policy, seed, engines=2, play=play)
        careless = self.clients[1].careless
        self.clients = [ReturningClient(self, 1), ReturningClient(self, 2)]
        self.clients[1].careless = careless

    def step(self, what: int, who: int, how: int) -> None:
        if what >= STEPS:
            self.restart(forgets=how % 7 == 0)
        else:
            super().step(what, who, how)

    def restart(self, *, forgets: bool = False) -> None:
        """SIGKILL, and another controller."""
        self.life += 1
        for client in self.clients:
            assert isinstance(client, ReturningClient)
            client.cut()
        for engine in self.engines:
            engine.inbox.clear()
            engine.wanted.clear()
            engine.inputs.clear()
            queues = (engine.direct, engine.balanced)
            engine.direct, engine.balanced = ([r for r in q if engine.is_ready(r)] for q in queues)
            engine.peer = None
        self.silent_hosts.clear()
        before = self.play.state
        self.play.state = self.another(before)
        event = Restored(self.life) if forgets else knowledge(before, self.life)
        actions = self.play(NO_PEER, event) + self.remember()
        for engine in self.engines:
            known = self.play.state.instances.get(engine.instance)
            engine.last_peer = NO_PEER if known is None else known.known_as
        self.perform(actions)
        self.perform(self.play(NO_PEER, Began((b"", b"host\x00")[self.life % 2])))

    def another(self, before: ControllerState) -> ControllerState:
        """Return the state of a controller that begins."""
        return ControllerState(before.limits)

    def remember(self) -> list[Action]:
        """Tell a controller that begins what a store has."""
        return []

    def returns(self, client: int) -> None:
        """Tell a controller what a store has of a client that comes."""

    def check_run(self, engine: PretendEngine, run: Run) -> None:
        super().check_run(engine, run)
        assert run.attempt >> LIFE_BITS == self.life
        if is_of_kept_call(run.task):
            return
        for client in self.clients:
            assert isinstance(client, ReturningClient)
            assert run.task not in client.results or run.task in client.made_again, "what was delivered is run again"
        first = run.attempt & OF_ONE_LIFE == 1
        for other in self.engines:
            its = other.running
            if first and other.peer is not None and its is not None and not other.given_up:
                assert its.task != run.task, "what runs is run again"

    def check_acknowledged(self, engine: PretendEngine, message: Delivered) -> None:
        """An engine may forget what its client has, unless others need it; or what does not count."""
        for number, its in engine.unacknowledged.items():
            if is_of_kept_call(its.task) or not (number <= message.up_to or number in numbers_in(message.also)):
                continue
            client = next(client for client in self.clients if its.task in client.submitted)
            result = client.results.get(its.task)
            counts = result is not None and result.body == its.body and not (engine.given_up or engine.was_full)
            assert not (counts and its.task in client.pinned() and its.task not in client.confirmed)
