"""Why something does not run, in words."""

from __future__ import annotations

from engineroom.core.events import BodyLost, ClientGone, EngineUp, HostSays, Large
from engineroom.core.explain import LISTED_IN_ALL, explain_engine, explain_task, queues
from engineroom.protocol.messages import (
    Abort,
    Answer,
    Coming,
    Delivered,
    EngineInfo,
    Finished,
    Options,
    Started,
    Sync,
    Synced,
)
from engineroom.protocol.questions import EngineQueue, Queues
from engineroom.protocol.records import MAX_RECORD, message_records
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import CUT, OK, Death, Play, instance_id, submit, task, tasks


def why(play: Play, number: int) -> tuple[object, object]:
    about = explain_task(play.state, task(number))
    return about.state, about.why


def test_a_task_that_waits(play: Play) -> None:
    play(CLIENT, submit(1))
    play(CLIENT, submit(2, options=Options(engines=(0, 3))))
    assert why(play, 1) == ("queued", "there are no engines")

    play(ENGINE_0, EngineUp(instance_id(0), wanted_id=7))
    assert why(play, 2) == ("queued", "it may run only on engines 0, 3, and none of them is connected")
    for number in range(3, 6):
        play(CLIENT, submit(number))
    assert why(play, 5) == ("queued", "the only engine that may run it is busy; 2 tasks are waiting for it")

    play(ENGINE_0, CUT)
    assert why(play, 5) == (
        "queued",
        "all engines that may run it have lost their connections; waiting for one to reconnect",
    )


def test_a_task_for_engines_that_are_gone_is_told_whether_they_are_restarted(two: Play) -> None:
    two(CLIENT, submit(1, options=Options(engines=(0,))))
    two(CLIENT, submit(2, options=Options(engines=(0,))))
    two(CLIENT, submit(3, options=Options(engines=(0, 7))))

    two(0, HostSays(b"", Coming(1, 1, restarts=True)))
    two(ENGINE_0, Death("killed by SIGKILL"))
    assert why(two, 1)[1] == "it may run only on engine 0, which is being restarted"
    assert why(two, 3)[1] == (
        "it may run only on engines 0, 7, and none of them is connected; engine 0 is being restarted"
    )

    two(0, HostSays(b"", Coming(2, 1, restarts=True)))
    two(ENGINE_1, Death("killed by SIGKILL"))
    assert why(two, 1)[1] == "there are no engines; 1 is starting and 1 is being restarted"
    two(12, EngineUp(instance_id(5)))
    assert why(two, 1)[1] == "it may run only on engine 0, which may be restarting"

    two(13, EngineUp(instance_id(6), wanted_id=1))
    two(0, HostSays(b"", Coming()))
    assert why(two, 3)[1] == "it may run only on engines 0, 7, and none of them is connected"


def test_a_task_on_an_engine(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0)))
    assert why(two, 1) == ("sent", "it is on engine 0, and is the next to run there")
    assert why(two, 2) == ("sent", "it is on engine 0, behind 1 other")
    two(ENGINE_0, Started(task(1), 1))
    two.now += 7.0
    two.tick(0.0)
    assert why(two, 2)[1] == "it is on engine 0, behind 1 other (busy for 7 s)"
    assert why(two, 1) == ("started", "it is running on engine 0")
    two(CLIENT, Abort(tasks(2)))
    assert why(two, 2) == ("revoking", "engine 0 has been asked to give it back")
    two(ENGINE_0, CUT)
    assert why(two, 1) == (
        "started",
        "it must run on engine 0, which has lost its connection; waiting for the engine to reconnect",
    )


def test_a_task_that_has_ended(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(ENGINE_0, Finished(1, task(1), 1, OK))
    assert why(two, 1) == ("ended", "its result is waiting for its client to acknowledge it")
    two(CLIENT, Delivered(1))
    assert why(two, 1) == ("delivered", "its client has received the result")
    assert why(two, 2) == ("unknown", "the controller has not received it")
    two(CLIENT, ClientGone())
    assert explain_task(two.state, task(1, client=9)).why == (
        "no client with this session is known; results of a client that disconnects are kept for 900 s "
        "(IPController.linger)"
    )


def test_engines(two: Play) -> None:
    assert explain_engine(two.state, 0).state == "idle"
    two(CLIENT, submit(1, (0,)))
    two(ENGINE_0, Started(task(1), 1))
    assert explain_engine(two.state, 0).running == (task(1),)
    two.now += 5.0
    two.tick(0.0)
    about = explain_engine(two.state, 0)
    assert (about.state, about.why) == ("busy", "it has finished nothing for 5.0 s")
    two(ENGINE_0, CUT)
    assert explain_engine(two.state, 0).state == "away"
    two(ENGINE_1, Death("exit code 3"))
    gone = explain_engine(two.state, 1)
    assert (gone.state, gone.why, gone.seconds_ago) == ("gone", "exit code 3", 0.0)
    assert explain_engine(two.state, 9).state == "unknown"


def test_a_problem_in_the_start_up_code_is_said(play: Play) -> None:
    play(ENGINE_0, EngineUp(instance_id(0), EngineInfo(problem="NameError: nmupy")))

    assert explain_engine(play.state, 0).why == "NameError: nmupy"


def test_queues_in_figures(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0)))
    for number in range(3, 9):
        two(CLIENT, submit(number))
    two(ENGINE_0, Finished(1, task(1), 1, OK))

    assert queues(two.state) == Queues((EngineQueue(0, 1, 1, 1), EngineQueue(1, 0, 2, 0)), 3)


def test_queues_by_ids(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0)))
    for number in range(3, 9):
        two(CLIENT, submit(number))
    two(ENGINE_0, Finished(1, task(1), 1, OK))

    listed = queues(two.state, verbose=True)
    assert listed.engines[0] == EngineQueue(0, 1, 1, 1, (task(2),), (task(5),))
    for each in listed.engines:
        assert (len(each.direct_ids), len(each.balanced_ids)) == (each.direct, each.balanced)
    assert len(listed.unassigned_ids) == listed.unassigned == 3


def test_the_lists_of_ids_fit_into_a_message_however_many_engines_there_are(play: Play) -> None:
    for engine in range(300):
        play.quietly(1000 + engine, EngineUp(instance_id(engine)))
    play.quietly(CLIENT, submit(1, tuple(range(300)) * 50))

    answer = Answer(1, queues(play.state, verbose=True))

    assert len(b"".join(message_records([answer]))) < MAX_RECORD
    assert 0 < len(answer.reply.engines[7].direct_ids) <= LISTED_IN_ALL // 300


def test_one_that_is_to_come_again(play: Play) -> None:
    message = submit(1, size=10**6)
    play(CLIENT, Large(message, 1))
    play(CLIENT, BodyLost(message.task, 1))

    assert why(play, 1) == (
        "unknown",
        "its payload did not arrive, and its client has been asked to submit it again",
    )


def test_a_client_that_has_said_all_is_told_that_it_knows_all(two: Play) -> None:
    assert two.sent(CLIENT, Sync()) == [(CLIENT, Synced())]
    assert two.sent(99, Sync()) == []
