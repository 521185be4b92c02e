"""Clients that keep account of what they submit and are told, for `world`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.actions import ToPeer
from engineroom.core.events import (
    BodyHere,
    BodyLost,
    ClientGone,
    ClientUp,
    FunctionComing,
    FunctionHere,
    FunctionLost,
    Large,
)
from engineroom.ids import Instance, Peer, TaskId, number_of, session_of
from engineroom.protocol.messages import (
    Awaits,
    Call,
    Delivered,
    Ended,
    Kind,
    LetGo,
    NeedFunction,
    Options,
    Result,
    Staying,
    Stream,
    Submit,
    SubmitAgain,
    Sync,
)
from engineroom.protocol.task_ranges import ranges_of
from tests.unit.core.keepers import KeptBytes
from tests.unit.core.pretend import names_of, session_id, task

if TYPE_CHECKING:  # it makes these
    from tests.unit.core.world import World


class Bytes:
    """The arguments of a task, which their client has not sent yet."""

    def __init__(self, client: Client, task: TaskId) -> None:
        self.client, self.task = client, task
        self.refused = False


class Client:
    """A client that knows what it has submitted, got and acknowledged."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.peer: Peer | None = None
        self.submitted: list[TaskId] = []
        self.results: dict[TaskId, Result] = {}
        self.of_others: dict[TaskId, Result] = {}
        """What it has seen of tasks of another client."""
        self.confirmed: set[TaskId] = set()
        self.repeated: set[TaskId] = set()
        """What has come again, from a controller that did not know that it was confirmed: that is said once more."""
        self.submits: dict[TaskId, Submit] = {}
        self.again: list[Submit] = []
        """What it has been asked to submit again, and has not yet."""
        self.bound: dict[TaskId, Instance] = {}
        """The processes that direct tasks are bound to."""
        self.wanted: list[Bytes] = []
        """What it has been asked for and has not sent."""
        self.asked: list[bytes] = []
        """Functions, likewise."""
        self.keeps: list[KeptBytes] = []
        """What it has not sent of calls that are kept."""
        self.staying: set[TaskId] = set()
        """What it has, and does not acknowledge yet, to name it."""
        self.came: set[TaskId] = set()
        """Results that came over the connection that it has now."""
        self.careless = False
        """It acknowledges results though others of its tasks need them."""
        self.withholds = False
        """It sends nothing of what it has been asked for."""

    def up(self) -> None:
        stayed, self.staying = self.staying, set()
        self.wanted.clear()
        self.asked.clear()
        self.keeps.clear()
        self.peer = Peer(next(self.world.peers))
        self.came.clear()
        self.world.perform(self.world.play(self.peer, ClientUp(session_id(self.number))))
        needed = sorted(map(number_of, stayed & self.pinned()))
        if needed:
            self.world.perform(self.world.play(self.peer, Staying(tuple(ranges_of(needed)))))
        self.confirmed.update(id_ for id_ in stayed - self.came if number_of(id_) not in needed)
        self.world.perform(self.world.play(self.peer, Sync(whole=True)))

    def gone(self) -> None:
        if self.peer is not None:
            peer, self.peer = self.peer, None
            self.wanted.clear()
            self.asked.clear()
            self.keeps.clear()
            self.world.perform(self.world.play(peer, ClientGone()))

    def submit(
        self,
        to: tuple[int, ...] | None,
        options: Options,
        function: bytes,
        size: int,
        awaits: Awaits | None = None,
    ) -> None:
        if self.peer is None:
            self.up()
        assert self.peer is not None
        number = len(self.submitted) + 1
        self.submitted += [task(number + offset, self.number) for offset in range(1 if to is None else len(to))]
        id_ = task(number, self.number)
        call = Call(Kind.APPLY, function, Stream(1, size) if size else b"")
        bound = None if to is None else [self.world.instance(engine) for engine in to]
        self.bound.update(zip(self.submitted[number - 1 :], bound or (), strict=False))
        id_ = task(number, self.number)
        message = Submit(id_, call, None if bound is None else b"".join(bound), options, awaits)
        self.submits.update(dict.fromkeys(self.submitted[number - 1 :], message))
        self.send_submit(message)
        self.world.perform(self.world.play(self.peer, message))

    def pinned(self) -> set[TaskId]:
        """Return the tasks whose results are arguments of others that have not ended, or stay; none, for who is
        careless."""
        submits = () if self.careless else [self.submits[id_] for id_ in self.submitted if id_ not in self.results]
        named = {id_ for its in submits if its.awaits is not None for id_ in names_of(its.awaits.inputs)}
        return named if self.careless else named | self.staying

    def stay(self) -> None:
        """Have the latest results stay that it has not acknowledged, or of those that do the oldest no more."""
        if self.peer is None:
            return
        new = [id_ for id_ in self.results if id_ not in self.confirmed and id_ not in self.staying][-2:]
        if not new:
            self.staying.discard(min(self.staying, default=TaskId(b"")))
            return
        self.staying.update(new)
        said = Staying(tuple(ranges_of(sorted(map(number_of, new)))))
        self.world.perform(self.world.play(self.peer, said))

    def send_submit(self, message: Submit) -> None:
        """Submit, with bytes to come if it has any."""
        if self.peer is not None:
            large = isinstance(message.call.body, Stream)
            event = Large(message, Bytes(self, message.task)) if large else message
            self.world.perform(self.world.play(self.peer, event))

    def asked_again(self, message: SubmitAgain) -> None:
        """Keep in mind what is to be submitted again; it must be something that has not ended."""
        for id_ in message.tasks.tasks():
            assert id_ in self.submitted
            assert id_ not in self.results
            self.again.append(self.submits[id_])

    def submit_again(self) -> None:
        again, self.again = self.again, []
        for message in again:
            self.send_submit(message)

    def send_bytes(self, how: int) -> None:
        """Send arguments that it has been asked for, or break off."""
        if self.wanted and self.peer is not None and not self.withholds:
            body = self.wanted.pop(how % len(self.wanted))
            if not body.refused:
                lost = BodyLost(body.task, body, "no memory")
                self.world.perform(self.world.play(self.peer, lost if how % 7 == 0 else BodyHere(body.task, body)))

    def send_function(self, how: int) -> None:
        """Begin to send a function, go on with one, or break off."""
        if self.peer is None or self.withholds:
            return
        if self.asked:
            hash_ = self.asked.pop(0)
            event = FunctionLost(hash_, "no memory") if how % 7 == 0 else FunctionHere(hash_)
            self.world.perform(self.world.play(self.peer, event))
        else:
            hash_ = b"fgh"[how % 3 : how % 3 + 1]
            if not self.world.knows(hash_):
                self.world.perform(self.world.play(self.peer, FunctionComing(hash_)))
                self.asked.append(hash_)

    def hear(self, message: ToPeer) -> None:
        """Take note of what the controller says."""
        match message:
            case Result():
                self.got(message)
            case Ended():
                for id_ in message.tasks.tasks():
                    self.got(Result(id_, message.engine, message.outcome))
            case LetGo():
                self.staying.difference_update(message.tasks.tasks())
            case SubmitAgain():
                self.asked_again(message)
            case NeedFunction(hash=hash_):
                self.asked.append(hash_)
            case _:
                pass

    def got(self, result: Result) -> None:
        if session_of(result.task) != session_id(self.number):
            if "fetched" not in result.outcome.error and "waits for it no more" not in result.outcome.error:
                assert self.of_others.setdefault(result.task, result) == result, "two different results"
            return
        self.came.add(result.task)
        assert result.task in self.submitted
        assert result.task not in self.confirmed, "delivered again after it had been acknowledged"
        assert self.results.setdefault(result.task, result) == result, "two different results"

    def deliver(self, *, also: bool) -> None:
        """Acknowledge: as far as results are complete, or one of the later ones."""
        if self.peer is None:
            return
        pinned = self.pinned()
        waiting = [id_ for id_ in self.submitted if id_ not in self.results or id_ in pinned]
        up_to = number_of(waiting[0]) - 1 if waiting else len(self.submitted)
        later = [number_of(id_) for id_ in self.results if number_of(id_) > up_to and id_ not in self.confirmed]
        later = [number for number in later if task(number, self.number) not in pinned]
        numbers = later[:1] if also else []
        numbers += [number for number in map(number_of, self.repeated) if number > up_to]
        self.repeated.clear()
        self.confirmed.update(self.submitted[:up_to], (task(number, self.number) for number in numbers))
        self.world.perform(self.world.play(self.peer, Delivered(up_to, tuple(ranges_of(numbers)))))
