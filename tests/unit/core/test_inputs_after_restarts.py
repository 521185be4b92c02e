"""A controller was killed: tasks that take results which only an engine has get them, in whatever order all return."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engineroom.core.actions import Action, Send
from engineroom.core.events import ClientUp, EngineUp, KnownEngine, Restored
from engineroom.core.explain import explain_task
from engineroom.core.limits import Limits
from engineroom.ids import number_of
from engineroom.protocol.messages import (
    Awaits,
    Delivered,
    Finished,
    Held,
    Ran,
    Result,
    Revoked,
    Run,
    Status,
    Submit,
    Sync,
)
from engineroom.protocol.task_ranges import attempt_ranges
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import CALL, NO_PEER, Play, instance_id, instances, session_id, task

GOOD = Ran(Status.OK, 0.0, 0.001)
LATER = Limits().reattach_grace + 1.0
TAKES = Submit(task(2), CALL, instances((1,)), awaits=Awaits(inputs=((session_id(), 1, 1),)))

MAKES = Submit(task(1), CALL)
"""What the client submits behind that: it has the result, and so can have it made once more."""


class Story:
    """Engine 0 had ended task 1, of which the client has the result, and engine 1 has task 2 in its queue, that takes
    it. `sent`: what the controller has sent."""

    def __init__(self) -> None:
        self.play = Play(Limits())
        known = [KnownEngine(number, EngineUp(instance_id(number))) for number in (0, 1)]
        self.play(NO_PEER, Restored(1, tuple(known), 2))
        self.sent: list[Action] = []

    def hear(self, peer: int, *events: object) -> None:
        for event in events:
            self.sent += self.play.alone(peer, event)  # type: ignore[arg-type]

    def happen(self, what: str) -> None:
        acts: dict[str, Callable[[], object]] = {
            "maker": lambda: self.hear(
                ENGINE_0, EngineUp(instance_id(0), back=True), Held(finished=tuple(attempt_ranges([(task(1), 3)])))
            ),
            "result": lambda: self.hear(ENGINE_0, Finished(1, task(1), 3, GOOD, b"result")),
            "taker": lambda: self.hear(
                ENGINE_1, EngineUp(instance_id(1), back=True), Held(queued=tuple(attempt_ranges([(task(2), 3)])))
            ),
            "client": lambda: self.hear(CLIENT, ClientUp(session_id()), TAKES),
            "made": lambda: self.hear(CLIENT, MAKES),
            "sync": lambda: self.hear(CLIENT, Sync()),
            "revoked": lambda: self.hear(ENGINE_1, Revoked(task(2), 3)),
            "again": lambda: self.hear(CLIENT, TAKES),
            "later": lambda: self.sent.extend(self.play.tick(LATER)),
        }
        acts[what]()

    def runs(self) -> list[tuple[int, int]]:
        found = [(its.peer, its.message) for its in self.sent if isinstance(its, Send)]
        return [(peer, number_of(message.task)) for peer, message in found if isinstance(message, Run)]


@pytest.mark.parametrize(
    "order",
    [
        "maker result taker client sync revoked again",
        "maker result taker client revoked sync again",
        "taker client maker result sync revoked again",
        "taker client maker sync result revoked again",
        "taker client sync maker result revoked again",
        "taker client sync revoked maker result again",
        "taker client revoked sync maker result again",
        "taker client sync revoked again later maker result",
        "taker client later sync revoked again maker result",
        "client sync taker revoked again later maker result",
    ],
)
def test_the_task_gets_the_result(order: str) -> None:
    story = Story()
    for what in order.split():
        story.happen(what)
        story.play.state.check()
    story.happen("later")
    assert story.runs() == [(ENGINE_1, 2)]
    story.hear(ENGINE_1, Finished(1, task(2), story.play.state.first_attempt + 1, GOOD, b""))
    story.hear(CLIENT, Delivered(2))
    session = story.play.state.sessions[session_id()]
    assert not session.results
    assert not session.tasks


def test_while_it_waits_it_is_said_for_whom() -> None:
    story = Story()
    for what in ("taker", "client", "sync", "revoked", "again", "later"):
        story.happen(what)
    said = explain_task(story.play.state, task(2))
    assert "waiting for engine 0 to reconnect, for results it takes" in str(said)


def test_if_that_engine_is_lost_so_is_the_result() -> None:
    story = Story()
    for what in ("taker", "client", "sync", "revoked", "again", "later"):
        story.happen(what)
    story.sent += story.play.tick(Limits().reconnect_timeout + 1.0)
    messages = [its.message for its in story.sent if isinstance(its, Send)]
    (outcome,) = (its.outcome for its in messages if isinstance(its, Result) and its.task == task(2))
    assert outcome.error.startswith("InvalidDependency: it needs the result of task ")


@pytest.mark.parametrize(
    "order",
    [
        "maker result taker client made sync revoked again",
        "taker client maker result made sync revoked again",
        "taker client made maker sync result revoked again",
        "taker client made sync maker result revoked again",
        "taker client made sync revoked again maker result later",
        "client made sync maker taker revoked again result",
    ],
)
def test_what_the_client_could_have_made_again_is_not_if_its_engine_comes_back(order: str) -> None:
    story = Story()
    for what in order.split():
        story.happen(what)
        story.play.state.check()
    story.happen("later")
    assert story.runs() == [(ENGINE_1, 2)]


@pytest.mark.parametrize(
    "order",
    [
        "taker client made sync revoked again later",
        "taker client made sync later revoked again",
        "taker later client made sync revoked again",
        "client made sync taker revoked again later",
    ],
)
def test_what_the_client_has_is_made_again_if_nobody_else_has_it(order: str) -> None:
    story = Story()
    for what in order.split():
        story.happen(what)
        story.play.state.check()
    assert story.runs() == [(ENGINE_1, 1), (ENGINE_1, 2)]
    attempt = story.play.state.first_attempt + 1
    story.hear(ENGINE_1, Finished(1, task(1), attempt, GOOD, b"result"))
    story.play.state.check()
    story.hear(CLIENT, Delivered(0, ((1, 1),)))  # it is kept for the one that takes it
    story.hear(ENGINE_1, Finished(2, task(2), attempt, GOOD, b""))
    story.hear(CLIENT, Delivered(2))
    session = story.play.state.sessions[session_id()]
    assert not session.results
    assert not session.tasks


def test_nothing_is_made_again_that_no_task_takes_or_that_is_known() -> None:
    story = Story()
    for what in ("maker", "result", "taker", "made", "client", "made", "sync", "made", "later"):
        story.happen(what)
    assert story.runs() == []
    assert not story.play.state.sessions[session_id()].tasks.keys() - {2}
