"""Results that their client has and may name stay: for calls that take them, bounded, and nobody's load meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom.core.actions import Send
from engineroom.core.events import ClientGone, ClientUp, EngineUp
from engineroom.core.limits import Limits
from engineroom.core.pressure import RESULT_BYTES
from engineroom.ids import number_of
from engineroom.protocol.messages import (
    Awaits,
    Delivered,
    Finished,
    Input,
    LetGo,
    Ran,
    Result,
    Run,
    Status,
    Staying,
    Submit,
    Sync,
)
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import CALL, Play, instance_id, instances, session_id, submit, task

OTHER = 2
PAYLOAD = b"r" * 1000
KEPT = RESULT_BYTES + len(PAYLOAD)
GOOD, BAD = Ran(Status.OK, 0.0, 0.001), Ran(Status.ERROR, 0.0, 0.001, "ValueError: no")


@pytest.fixture
def play() -> Play:
    """Return a core in which two results of a client may stay, three of all together, and four be kept for it."""
    play = Play(Limits(kept_bytes=4 * KEPT, all_kept_bytes=6 * KEPT))
    for client in (CLIENT, OTHER):
        play.connect(client)
    for engine in (ENGINE_0, ENGINE_1):
        play(engine, EngineUp(instance_id(engine - ENGINE_0)))
    return play


def ended(play: Play, *numbers: int, client: int = CLIENT, outcome: Ran = GOOD) -> None:
    """Have a client submit tasks to engine 0, and that end them."""
    for number in numbers:
        play(client, submit(number, client=client, to=(0,)))
        its = len(play.state.instances[instance_id(0)].unacknowledged) + 100 * client + number
        play(ENGINE_0, Finished(its, task(number, client), 1, outcome, PAYLOAD))


def asked(actions: list[Any]) -> list[tuple[int, list[int]]]:
    """Return who is asked to let go of which results."""
    messages = [(its.peer, its.message) for its in actions if isinstance(its, Send)]
    return [(peer, [number_of(id_) for id_ in m.tasks.tasks()]) for peer, m in messages if isinstance(m, LetGo)]


def takes(number: int, *inputs: int, to: int = 1) -> Submit:
    spans = tuple((session_id(), each, each) for each in inputs)
    return Submit(task(number), CALL, instances((to,)), awaits=Awaits(inputs=spans))


def counts(play: Play, client: int = CLIENT) -> tuple[int, int, int]:
    """Return how many results of a client are kept, are arguments, and stay, by their bytes."""
    session = play.state.sessions[session_id(client)]
    return session.kept_bytes // KEPT, session.input_bytes // KEPT, session.staying_bytes // KEPT


def test_a_result_that_stays_is_sent_to_whoever_takes_it(play: Play) -> None:
    ended(play, 1)
    play(CLIENT, Staying(((1, 1),)))
    assert counts(play) == (0, 0, 1)

    sent = play.sent(CLIENT, takes(2, 1))
    assert [type(its) for _, its in sent] == [Input, Run]
    assert counts(play) == (0, 0, 1)
    play(ENGINE_1, Finished(1, task(2), 1, GOOD, b""))
    play(CLIENT, Delivered(2))
    assert counts(play) == (0, 0, 0)


def test_it_stays_for_a_task_that_has_begun_to_need_it_though_its_client_lets_go(play: Play) -> None:
    ended(play, 1)
    play(CLIENT, Staying(((1, 1),)))
    play(CLIENT, takes(2, 1))
    play(CLIENT, Delivered(1))
    assert counts(play) == (0, 1, 0)
    play(ENGINE_1, Finished(1, task(2), 1, GOOD, b""))
    assert 1 not in play.state.sessions[session_id()].results


def test_of_too_many_the_oldest_are_asked_back_that_no_task_takes(play: Play) -> None:
    ended(play, 1, 2, 3, 4)
    play(CLIENT, Staying(((1, 2),)))
    play(CLIENT, takes(5, 1))
    assert asked(play(CLIENT, Staying(((3, 4),)))) == [(CLIENT, [2, 3])]
    assert counts(play) == (2, 0, 2)
    play(CLIENT, Delivered(0, ((2, 3),)))
    assert counts(play) == (0, 0, 2)
    assert len(play.state.sessions[session_id()].staying) == 2


def test_of_all_clients_the_one_whose_result_comes_is_asked(play: Play) -> None:
    ended(play, 1, 2)
    ended(play, 1, 2, client=OTHER)
    assert asked(play(CLIENT, Staying(((1, 2),)))) == []
    assert asked(play(OTHER, Staying(((1, 1),)))) == []
    assert asked(play(OTHER, Staying(((2, 2),)))) == [(OTHER, [1])]


def test_who_does_not_let_go_holds_up_itself(play: Play) -> None:
    ended(play, 1, 2, 3, 4)
    play(CLIENT, Staying(((1, 4),)))
    assert counts(play) == (2, 0, 2)
    ended(play, 5, 6)
    play(CLIENT, Staying(((1, 6),)))
    ended(play, 7)
    assert play.state.sessions[session_id()].paused
    assert counts(play)[2] == 2
    play(OTHER, submit(1, client=OTHER, to=(1,)))
    assert not play.state.sessions[session_id(OTHER)].paused


def test_nothing_else_stays(play: Play) -> None:
    ended(play, 1, outcome=BAD)
    ended(play, 2)
    play(CLIENT, Staying(((1, 1), (3, 10**9))))
    play(OTHER, Staying(((1, 2),)))
    assert counts(play) == (2, 0, 0)
    play(CLIENT, Delivered(2))
    play(CLIENT, Staying(((1, 2),)))
    assert counts(play) == (0, 0, 0)


def test_a_client_that_comes_back_is_not_sent_what_stays(play: Play) -> None:
    ended(play, 1, 2)
    play(CLIENT, Staying(((1, 1),)))
    play(CLIENT, ClientGone())
    sent = play.sent(CLIENT, ClientUp(session_id()))
    assert [number_of(its.task) for _, its in sent if isinstance(its, Result)] == [2]
    play(CLIENT, Delivered(2))
    assert counts(play) == (0, 0, 0)


def test_of_what_stays_a_client_that_comes_back_names_what_it_needs_still(play: Play) -> None:
    ended(play, 1, 2)
    play(CLIENT, Staying(((1, 2),)))
    play(CLIENT, takes(3, 1))
    play(CLIENT, ClientUp(session_id()))
    play(CLIENT, Sync())
    assert counts(play) == (0, 0, 2), "this client is of an earlier version, and names nothing"

    play(CLIENT, ClientUp(session_id()))
    play(CLIENT, Staying(((2, 2),)))
    play(CLIENT, Sync(whole=True))
    assert counts(play) == (0, 1, 1), "of the other one it had said in vain that it needs it no more"
    play(ENGINE_1, Finished(1, task(3), 1, GOOD, b""))
    assert counts(play) == (0, 0, 1)
    play(CLIENT, Delivered(3))
    assert counts(play) == (0, 0, 0)


def test_what_stays_for_a_client_that_is_gone_goes_with_its_results(play: Play) -> None:
    ended(play, 1)
    play(CLIENT, Staying(((1, 1),)))
    play(CLIENT, ClientGone())
    play.tick(play.state.limits.linger + 1)
    assert play.state.staying_bytes == 0
    assert session_id() not in play.state.sessions


def test_an_engine_keeps_what_stays_until_it_is_let_go(play: Play) -> None:
    ended(play, 1)
    play(CLIENT, Staying(((1, 1),)))
    engine = play.state.instances[instance_id(0)]
    assert len(engine.unacknowledged) == 1
    play(CLIENT, Delivered(1))
    assert not engine.unacknowledged
