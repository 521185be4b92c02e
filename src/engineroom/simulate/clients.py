"""Pretend clients: they submit, send bytes when they are asked for them, and come back when they were cut off."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from engineroom.core.events import BodyHere, ClientGone, ClientUp, Large
from engineroom.ids import Peer, SessionId, TaskId, number_of, task_id
from engineroom.protocol.messages import (
    Call,
    Delivered,
    Ended,
    Kind,
    Result,
    Stream,
    Submit,
    SubmitAgain,
    Sync,
)
from engineroom.protocol.task_ranges import ranges_of

if TYPE_CHECKING:
    from engineroom.simulate.simulation import Simulation

_DELIVER_EVERY = 200

_RATE = 100e6
"""Bytes a second that a client sends."""


class Body:
    """The arguments of a task, which come as a stream: they never do if the `connection` ends before."""

    __slots__ = ("connection", "refused", "size", "task")

    def __init__(self, task: TaskId, size: int, connection: Peer) -> None:
        self.task, self.size, self.connection = task, size, connection
        self.refused = False


class PretendClient:
    """`peer`: the number of its connection, or of the last one while it is not `connected`."""

    __slots__ = ("connected", "ended", "peer", "session", "submits", "undelivered")

    def __init__(self, peer: Peer, session: SessionId) -> None:
        self.peer, self.session = peer, session
        self.connected = True
        self.submits: dict[int, Submit] = {}
        """By number: what has not ended."""
        self.ended: set[int] = set()
        self.undelivered: list[int] = []


class Clients:
    """The clients of a simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        plan = simulation.plan
        self.every = [PretendClient(next(simulation.peers), SessionId(bytes([n]) * 16)) for n in range(plan.clients)]
        self._by_peer = {client.peer: client for client in self.every}
        self.lost_bodies = 0
        """How many streams of arguments broke off."""

    def begin(self) -> None:
        """Connect all."""
        for client in self.every:
            self._simulation.tell(client.peer, ClientUp(client.session))

    def submit_all(self) -> None:
        """Have each submit its share of the tasks at once."""
        plan, rng = self._simulation.plan, self._simulation.rng
        for number in range(plan.tasks):
            client = self.every[number % len(self.every)]
            its = 1 + number // len(self.every)
            large = plan.large > 0 and rng.random() < plan.large
            call = Call(Kind.APPLY, b"f" * 16, Stream(1, plan.large_bytes) if large else b"x" * 40)
            client.submits[its] = Submit(task_id(client.session, its), call)
            self._submit(client, client.submits[its])

    def _submit(self, client: PretendClient, message: Submit) -> None:
        its = message.call.body
        if isinstance(its, bytes):
            self._simulation.tell(client.peer, message)
        else:
            self._simulation.tell(client.peer, Large(message, Body(message.task, its.size, client.peer)))

    def accept(self, body: Body) -> None:
        """The core wants these bytes: they take their time."""
        self._simulation.later(self._simulation.plan.latency + body.size / _RATE, partial(self._arrive, body))

    def _arrive(self, body: Body) -> None:
        client = self._by_peer.get(body.connection)
        if client is None or not client.connected:
            self.lost_bodies += 1
        elif not body.refused:
            self._simulation.tell(body.connection, BodyHere(body.task, body))

    def hear(self, peer: Peer, message: Result | Ended | SubmitAgain) -> None:
        """A client is told something."""
        client = self._by_peer.get(peer)
        if client is None:
            return
        match message:
            case Result():
                self._end(client, message.outcome.status, [message.task])
            case Ended():
                self._end(client, message.outcome.status, message.tasks.tasks())
            case SubmitAgain():
                again = [client.submits[number_of(task)] for task in message.tasks.tasks()]
                self._simulation.later(self._simulation.plan.latency, partial(self._submit_again, client, again))

    def _submit_again(self, client: PretendClient, again: list[Submit]) -> None:
        if client.connected:
            for message in again:
                self._submit(client, message)

    def _end(self, client: PretendClient, status: int, tasks: Iterable[TaskId]) -> None:
        ended = self._simulation.ended
        for task in tasks:
            number = number_of(task)
            client.undelivered.append(number)
            if number not in client.ended:
                client.ended.add(number)
                client.submits.pop(number)
                ended[status] = ended.get(status, 0) + 1
        if len(client.undelivered) >= _DELIVER_EVERY:
            delivered = Delivered(0, tuple(ranges_of(client.undelivered)))
            self._simulation.later(self._simulation.plan.latency, partial(self._say, client.peer, delivered))
            client.undelivered.clear()

    def _say(self, peer: Peer, message: Delivered) -> None:
        if peer in self._by_peer:
            self._simulation.tell(peer, message)

    def cut(self, client: PretendClient) -> None:
        """Cut a client's connection: what was on its way never comes. It is back after a while."""
        if client.connected:
            client.connected = False
            del self._by_peer[client.peer]
            self._simulation.tell(client.peer, ClientGone())
            self._simulation.later(self._simulation.plan.pause, partial(self._connect, client))

    def _connect(self, client: PretendClient) -> None:
        client.peer, client.connected = next(self._simulation.peers), True
        self._by_peer[client.peer] = client
        self._simulation.tell(client.peer, ClientUp(client.session))
        self._simulation.tell(client.peer, Sync())
