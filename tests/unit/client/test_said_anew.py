"""Whatever a client says, and wherever its connection breaks meanwhile: in the end all is as if it had never broken."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import example, given

from engineroom.client.connection.said_anew import said_anew
from engineroom.client.state.kept import Kept
from engineroom.client.state.state import State
from engineroom.client.state.tasks import Request, Task
from engineroom.client.state.unwanted import not_wanted
from engineroom.controller.config import ControllerConfig
from engineroom.controller.shell import Controller
from engineroom.core.clients import known_up_to
from engineroom.ids import number_of
from engineroom.protocol.content_hashes import content_hash
from engineroom.protocol.messages import (
    DEFAULT_OPTIONS,
    PROTOCOL,
    Abort,
    AlreadyStarted,
    Call,
    Forget,
    Function,
    Interrupt,
    Join,
    Kind,
    Released,
    Run,
    Started,
    Sync,
    Withdraw,
)
from engineroom.protocol.task_ranges import attempts_in, task_pieces
from engineroom.transport.memory import memory_pair
from tests.examples import drawn
from tests.patience import turns
from tests.unit.client.losing import admit
from tests.unit.controller.conversations import Somebody

CALL = Call(Kind.PULL, b"", b"x")
VALUES = [f"value {number}".encode() for number in range(3)]

Story = list[tuple[str, int, str]]
"""What the client does, a number for the details, and what happens to its connection next."""
STEPS = ("submit", "submit", "abort", "interrupt", "keep", "forget", "publish", "release")
NEXT = ("waits", "sends", "arrives", "breaks", "breaks")


class Talks:
    """A client, a controller and an engine. What the client has sent is on its way until it arrives."""

    def __init__(self, directory: Path, *, breaks: bool) -> None:
        self.state = State(lambda: None, max_unfinished_bytes=1 << 30)
        self.controller = Controller(ControllerConfig(security_dir=str(directory)))
        self.controller.enter_loop()  # it listens nowhere
        self.engine = Somebody(self.controller, "engine")
        self._breaks = breaks
        self._under_way: list[Any] = []
        self._seen = 0
        self._asked = Counter[int]()
        self._connect()

    def _connect(self) -> None:
        state = self.state
        known = known_up_to(self.controller.state, state.id)
        near, far = memory_pair("client")
        join = Join(proof=b"", identity=state.id, secret=state.secret)
        self._receiver = admit(self.controller, near, join, lambda _: False)
        far.start(self)
        waiting = state.outgoing.take_all(known)
        self._under_way += [kept.submit(state.id) for kept in state.kept.again()]
        self._under_way += [request.submit(state.id) for request in waiting.requests]
        self._under_way += said_anew(state, waiting.messages, same=True, protocol=PROTOCOL)
        self._under_way.append(Sync(whole=True))

    def on_messages(self, messages: list[Any]) -> None:
        """The client does not listen."""

    def on_closed(self, closing: object) -> None:
        """It knows."""

    def waits(self, _: int) -> None:
        """Nothing happens."""

    def sends(self, _: int) -> None:
        items = self.state.outgoing.take()
        self._under_way += [its.submit(self.state.id) if isinstance(its, Request) else its for its in items]

    def arrives(self, how: int) -> None:
        """Some of what is on its way arrives."""
        self.sends(0)
        arrived, self._under_way = self._under_way[: how + 1], self._under_way[how + 1 :]
        self._receiver.on_messages(arrived)

    def breaks(self, how: int) -> None:
        """Some of what is on its way arrives, and the rest is lost."""
        if self._breaks:
            self.arrives(how // 3 - 1)
            self._under_way.clear()
            self._receiver.breaks()
            self._connect()

    def submit(self, _: int) -> None:
        request = Request(CALL, self.engine.identity, DEFAULT_OPTIONS, None, 1, None, 1, 1)
        self.state.outgoing.enter(request, [Task(0, request, None, 0.0, -1, -1)])

    def abort(self, how: int, *, interrupt: bool = False) -> None:
        tasks = [task for task in self.state.tasks.values() if task.number % 3 == how % 3]
        not_wanted(tasks, interrupt=interrupt, force=False)
        numbers = [task.number for task in tasks]
        self._asked.update(numbers if interrupt else ())
        self.state.outgoing.send([Abort(piece, interrupt) for piece in task_pieces(self.state.id, numbers)])

    def interrupt(self, how: int) -> None:
        self.abort(how, interrupt=True)

    def keep(self, _: int) -> None:
        kept = Kept(CALL, None, DEFAULT_OPTIONS, None, 1, None, 0, 0)
        kept.id, kept.what, kept.question = self.state.kept.next_id(), "x", 1
        kept.has = self.engine.identity
        self.state.kept.add(kept)
        self.state.outgoing.send([kept])

    def forget(self, how: int) -> None:
        if calls := self.state.kept.all():
            kept = calls[how % len(calls)]
            self.state.kept.drop(kept.id)
            self.state.outgoing.send([Forget(kept.id)])

    def publish(self, how: int) -> None:
        """A value is sent, as values are: by the I/O thread, once it sends a call that takes it."""
        self.sends(0)
        value = VALUES[how % len(VALUES)]
        digest = content_hash([value], None)
        self.state.published[digest] = None
        self._under_way.append(Function(digest, value, parts=None, stays=True))

    def release(self, how: int) -> None:
        if values := list(self.state.published):
            digest = values[how % len(values)]
            self.state.published.pop(digest)
            self.state.outgoing.send([Released(digest)])

    async def engine_goes_on(self) -> None:
        """The engine begins with what it is sent, and ends with nothing."""
        await turns(4)
        heard = self.engine.heard[self._seen :]
        self._seen += len(heard)
        for message in heard:
            match message:
                case Run():
                    self.engine.say(Started(message.task, message.attempt))
                case Withdraw():
                    self.engine.say(*(AlreadyStarted(*each) for each in attempts_in(message.attempts)))
        await turns(4)

    async def comes_to_its_end(self) -> dict[str, Any]:
        """Return what there is once everything has arrived."""
        self.sends(0)
        self.arrives(len(self._under_way))
        for _ in range(3):
            await self.engine_goes_on()
        controller, session = self.controller, self.controller.state.sessions[self.state.id]
        controller.state.check()
        found = {
            "kept": set(session.kept),
            "published": set(controller.bodies.functions.values.of(session.id)),
            "goes on": {task.number for task in session.tasks.values() if task.withdrawn is None},
        }
        interrupts = Counter(number_of(message.task) for message in self.engine.of(Interrupt))
        assert interrupts <= self._asked, "somebody was interrupted more often than was asked for"
        assert self._asked.keys() & session.tasks.keys() <= interrupts.keys(), "somebody was not interrupted"
        await controller.stop()
        return found


async def told(talks: Talks, story: Story) -> dict[str, Any]:
    for what, how, then in story:
        getattr(talks, what)(how)
        getattr(talks, then)(how)
        await talks.engine_goes_on()
    return await talks.comes_to_its_end()


BEGUN: Story = [("submit", 8, "arrives"), ("submit", 8, "arrives")]
ABORT_LOST: Story = [*BEGUN, ("abort", 1, "breaks"), ("interrupt", 2, "breaks")]
MORE_THAN_ENGINES_ARE_SENT_AHEAD: Story = [
    *[("submit", 0, "waits")] * 9,
    ("abort", 0, "waits"),
    ("submit", 0, "breaks"),
    ("abort", 1, "waits"),
]
ASKED_FOR_LESS: Story = [*[("submit", 0, "waits")] * 2, ("interrupt", 2, "waits"), ("abort", 2, "waits")]
INTERRUPTED_ONCE: Story = [*BEGUN, ("interrupt", 1, "arrives"), ("submit", 0, "breaks")]
KEPT_AND_FORGOTTEN: Story = [("keep", 8, "arrives"), ("keep", 8, "arrives"), ("forget", 0, "breaks")]
RELEASED: Story = [("publish", 8, "arrives"), ("release", 0, "breaks")]
RELEASED_AND_PUBLISHED_AGAIN: Story = [("publish", 8, "arrives"), ("release", 0, "sends"), ("publish", 0, "breaks")]


@drawn(60)
@example(story=ABORT_LOST)
@example(story=MORE_THAN_ENGINES_ARE_SENT_AHEAD)
@example(story=ASKED_FOR_LESS)
@example(story=INTERRUPTED_ONCE)
@example(story=KEPT_AND_FORGOTTEN)
@example(story=RELEASED)
@example(story=RELEASED_AND_PUBLISHED_AGAIN)
@given(story=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 8), st.sampled_from(NEXT)), max_size=25))
def test_a_connection_that_breaks_changes_nothing(tmp_path_factory: Any, story: Story) -> None:
    directory = tmp_path_factory.getbasetemp()

    async def both() -> None:
        steady, broken = (Talks(directory, breaks=breaks) for breaks in (False, True))
        assert await told(broken, story) == await told(steady, story)

    asyncio.run(both())
