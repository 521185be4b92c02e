"""Engines join, go away, come back: who has which id, and what everybody is told."""

from __future__ import annotations

from engineroom.core.actions import EndEngine
from engineroom.core.events import ClientUp, Dismiss, EngineClosed, EngineUp
from engineroom.core.membership import engine_id_of
from engineroom.ids import NOBODY, Peer
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import (
    Delivered,
    EngineInfo,
    EngineJoined,
    EngineLeft,
    Finished,
    Held,
    Refused,
    Result,
    Run,
    TasksStarted,
    Withdraw,
)
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import (
    CALL,
    CUT,
    OK,
    Death,
    Play,
    instance_id,
    result,
    run,
    session_id,
    submit,
    task,
    tasks,
)

BACK = Peer(9)


def joined(engine: int, instance: int) -> EngineJoined:
    return EngineJoined(engine, instance_id(instance), EngineInfo())


def test_clients_are_told_who_joins_and_who_leaves(play: Play) -> None:
    assert play.sent(ENGINE_0, EngineUp(instance_id(0))) == [(CLIENT, joined(0, 0))]
    assert play.sent(ENGINE_0, CUT) == []
    assert play.sent(ENGINE_0, Death("gone")) == [(CLIENT, EngineLeft(0, instance_id(0), "gone"))]


def test_a_new_client_is_told_who_is_there(two: Play) -> None:
    assert two.sent(2, ClientUp(session_id(2))) == [(2, joined(0, 0)), (2, joined(1, 1))]


def test_ids_are_not_used_again(two: Play) -> None:
    two(ENGINE_1, Death("gone"))

    assert two.sent(12, EngineUp(instance_id(2))) == [(CLIENT, joined(2, 2))]


def test_a_restarted_engine_keeps_the_id_it_asks_for(two: Play) -> None:
    two(ENGINE_1, Death("gone"))

    assert two.sent(12, EngineUp(instance_id(2), wanted_id=1)) == [(CLIENT, joined(1, 2))]
    assert engine_id_of(two.state, instance_id(2)) == 1


def test_an_id_that_is_taken_is_refused_with_words(two: Play) -> None:
    sent = two.sent(12, EngineUp(instance_id(2), wanted_id=1))

    assert sent == [(12, Refused("engine id 1 is already used by a running engine"))]
    assert engine_id_of(two.state, instance_id(2)) is None


def test_an_engine_that_a_host_has_numbered_gets_another_id_where_somebody_was_quicker(two: Play) -> None:
    assert two.sent(12, EngineUp(instance_id(2), wanted_id=1, or_another=True)) == [(CLIENT, joined(2, 2))]

    two(ENGINE_1, CUT)
    sent = two.sent(13, EngineUp(instance_id(3), wanted_id=1, or_another=True))

    assert sent == [(13, Refused("engine id 1 is already used by a running engine"))]  # it may be the same one's past


def test_ids_asked_for_ahead_are_skipped_later(play: Play) -> None:
    for number, wanted in enumerate([3, 1, None, None, None]):
        play(10 + number, EngineUp(instance_id(number), wanted_id=wanted))

    assert [engine_id_of(play.state, instance_id(number)) for number in range(5)] == [3, 1, 0, 2, 4]


def test_an_engine_that_comes_back_keeps_its_id_and_its_tasks(two: Play) -> None:
    two(CLIENT, submit(1))
    two(ENGINE_0, CUT)
    held = Held(running=((session_id(), 1, 1, 1),))

    assert two.back(20, EngineUp(instance_id(0)), held) == [
        (CLIENT, TasksStarted(0, tasks(1))),
        (20, Delivered(0)),
    ]
    assert two.sent(20, Finished(1, task(1), 1, OK)) == [(CLIENT, result(1, 0))]


def test_what_it_holds_and_should_not_is_asked_back(two: Play) -> None:
    two(ENGINE_0, CUT)

    sent = two.back(20, EngineUp(instance_id(0)), Held(queued=((session_id(), 9, 9, 3),)))

    assert sent == [(20, Withdraw(((session_id(), 9, 9, 3),))), (20, Delivered(0))]


def test_it_is_sent_nothing_balanced_while_it_is_away(two: Play) -> None:
    two(ENGINE_0, CUT)
    sent = [message for number in range(1, 6) for message in two.sent(CLIENT, submit(number))]
    assert {peer for peer, _ in sent} == {ENGINE_1}

    sent = two.sent(20, EngineUp(instance_id(0)))

    assert [(peer, message) for peer, message in sent if isinstance(message, Run)] == [(20, run(3)), (20, run(4))]


def test_a_second_connection_takes_the_place_of_the_first(two: Play) -> None:
    two(20, EngineUp(instance_id(0)))

    assert two(ENGINE_0, CUT) == []
    assert two.sent(CLIENT, submit(1, (0,))) == [(20, Run(task(1), 1, CALL, direct=True))]


def test_an_engine_taken_for_dead_is_the_same_when_it_comes_back(two: Play) -> None:
    two(ENGINE_0, Death("unresponsive"))

    sent = two.back(20, EngineUp(instance_id(0)), Held(queued=((session_id(), 1, 1, 1),)))

    assert sent == [(CLIENT, joined(0, 0)), (20, Withdraw(((session_id(), 1, 1, 1),)))]


def test_an_engine_that_is_to_end_while_it_is_away_ends_when_it_is_back(two: Play) -> None:
    two(ENGINE_0, CUT)
    assert two(CLIENT, Dismiss((0,), "nobody needs it")) == []

    assert EndEngine(BACK, 0, "nobody needs it") in two(BACK, EngineUp(instance_id(0)))
    assert two.sent(BACK, EngineClosed(Closing(Why.CLOSED, "closed"))) == [
        (CLIENT, EngineLeft(0, instance_id(0), "nobody needs it"))
    ]


def test_unless_somebody_has_its_id_by_now(two: Play) -> None:
    two(ENGINE_0, Death("unresponsive"))
    two(12, EngineUp(instance_id(2), wanted_id=0))

    assert two.sent(20, EngineUp(instance_id(0))) == [(CLIENT, joined(2, 0))]


def test_tasks_wait_until_there_is_an_engine(play: Play) -> None:
    assert play.sent(CLIENT, submit(1)) == []

    assert play.sent(ENGINE_0, EngineUp(instance_id(0))) == [(CLIENT, joined(0, 0)), (ENGINE_0, run(1))]


def test_what_nobody_knows_is_ignored(two: Play) -> None:
    assert two(99, Death("gone")) == []
    assert two(99, CUT) == []
    assert two(99, Finished(1, task(1), 1, OK)) == []
    assert two(99, submit(1)) == []
    assert not [
        a for a in two(ENGINE_0, Finished(1, task(1), 1, OK)) if isinstance(getattr(a, "message", None), Result)
    ]


def test_a_client_that_comes_back_is_no_part_of_a_task_whatever_engines_are_called(play: Play) -> None:
    play(ENGINE_0, EngineUp(NOBODY))
    play(CLIENT, ClientUp(session_id(1)))

    assert play.sent(CLIENT, submit(1)) == [(ENGINE_0, run(1))]
