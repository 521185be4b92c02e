"""Which tasks are one map is known while any of them is here, and only where it is sure."""

from __future__ import annotations

from engineroom.core.events import ClientUp, EngineUp
from engineroom.core.limits import Limits
from engineroom.core.maps import map_of, span_of
from engineroom.core.sessions import Session
from engineroom.protocol.attaching import Attach, Attached
from engineroom.protocol.messages import Answer, Delivered, Finished, Options
from tests.unit.core.conftest import CLIENT, ENGINE_0
from tests.unit.core.pretend import OK, Play, instance_id, session_id, submit, task

OTHER = 2


def with_map(play: Play, first: int, count: int, come: int | None = None) -> Session:
    for place in range(count if come is None else come):
        play(CLIENT, submit(first + place, options=Options(of_map=(first if place else 0, count))))
    return play.state.sessions[session_id(CLIENT)]


def test_the_first_task_of_a_map_names_it_by_nothing() -> None:
    assert [span_of(7, of) for of in (None, (0, 3), (5, 3), (5, 0))] == [(7, 7), (7, 9), (5, 7), (5, 5)]


def test_a_map_is_known_by_each_of_its_tasks_and_no_other(play: Play) -> None:
    play(CLIENT, submit(1))
    session = with_map(play, 2, 3)
    play(CLIENT, submit(5))
    assert [map_of(session, number) for number in range(1, 6)] == [None, (2, 4), (2, 4), (2, 4), None]


def test_of_a_map_that_is_being_submitted_what_has_come_is_told(play: Play) -> None:
    assert map_of(with_map(play, 1, 5, come=3), 2) == (1, 3)


def test_where_others_came_in_between_nobody_guesses(play: Play) -> None:
    session = with_map(play, 1, 4, come=2)
    play(CLIENT, submit(3))
    assert map_of(session, 1) is None


def test_whoever_attaches_to_a_task_of_a_map_hears_of_the_map_when_some_have_ended_too(play: Play) -> None:
    play(ENGINE_0, EngineUp(instance_id(0)))
    with_map(play, 1, 3)
    play(ENGINE_0, Finished(1, task(1), 1, OK))
    play(CLIENT, Delivered(1))
    play(ENGINE_0, Finished(2, task(2), 1, OK))
    play.connect(OTHER)
    for number in (2, 3):
        replies = [said.reply for _, said in play.sent(OTHER, Attach(9, task(number))) if isinstance(said, Answer)]
        assert [reply.of_map for reply in replies if isinstance(reply, Attached)] == [(1, 3)]


def test_the_latest_maps_are_known() -> None:
    play = Play(limits=Limits(maps=2))
    play(CLIENT, ClientUp(session_id(CLIENT)))
    for first in (1, 3, 5):
        session = with_map(play, first, 2)
    assert session.maps == {3: 4, 5: 6}
