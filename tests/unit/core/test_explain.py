"""Why something does not run, in words."""

from __future__ import annotations

import json

from engineroom.core.events import ClientGone, EngineUp
from engineroom.core.explain import explain, explain_engine, explain_task, queue_ids, queue_status
from engineroom.ids import msg_id
from engineroom.protocol.messages import Abort, Delivered, EngineInfo, Finished, Held, Options, Started
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import CUT, OK, Death, Play, instance_id, submit, task, tasks


def why(play: Play, number: int) -> tuple[object, object]:
    about = explain_task(play.state, task(number))
    return about["state"], about["why"]


def test_a_task_that_waits(play: Play) -> None:
    play(CLIENT, submit(1))
    play(CLIENT, submit(2, options=Options(engines=(0, 3))))
    assert why(play, 1) == ("queued", "there are no engines")

    play(ENGINE_0, EngineUp(instance_id(0), wanted_id=7))
    assert why(play, 2) == ("queued", "it may run only on engines 0, 3, and none of them is connected")
    for number in range(3, 6):
        play(CLIENT, submit(number))
    assert why(play, 5) == ("queued", "all 1 engines that may run it are busy; 2 tasks are waiting for them")

    play(ENGINE_0, CUT)
    assert why(play, 5) == (
        "queued",
        "all engines that may run it have lost their connections; waiting for one to reconnect",
    )


def test_a_task_on_an_engine(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0)))
    assert why(two, 1) == ("sent", "it is on engine 0, and is the next to run there")
    assert why(two, 2) == ("sent", "it is on engine 0, behind 1 others")
    two(ENGINE_0, Started(task(1), 1))
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
    assert explain_task(two.state, task(1, client=9))["why"] == (
        "no client with this session is known; results of a client that disconnects are kept for 900 s "
        "(IPController.linger)"
    )


def test_engines(two: Play) -> None:
    assert explain_engine(two.state, 0)["state"] == "idle"
    two(CLIENT, submit(1, (0,)))
    two(ENGINE_0, Started(task(1), 1))
    assert explain_engine(two.state, 0)["running"] == [f"{'01' * 16}_1"]
    two.now += 5.0
    two.tick(0.0)
    about = explain_engine(two.state, 0)
    assert (about["state"], about["why"]) == ("busy", "it has finished nothing for 5.0 s")
    two(ENGINE_0, CUT)
    assert explain_engine(two.state, 0)["state"] == "away"
    two(ENGINE_1, Death("exit code 3"))
    gone = explain_engine(two.state, 1)
    assert (gone["state"], gone["why"], gone["seconds_ago"]) == ("gone", "exit code 3", 0.0)
    assert explain_engine(two.state, 9)["state"] == "unknown"


def test_a_problem_in_the_start_up_code_is_said(play: Play) -> None:
    play(ENGINE_0, EngineUp(instance_id(0), EngineInfo(problem="NameError: nmupy")))

    assert explain_engine(play.state, 0)["why"] == "NameError: nmupy"


def test_anything_by_its_name(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))

    assert explain(two.state, "1")["state"] == "idle"
    assert explain(two.state, f"{'01' * 16}_1")["engine"] == 0
    assert explain(two.state, "-1")["state"] == "unknown"
    assert "is not a message id" in str(explain(two.state, "what?")["why"])


def test_queues_in_figures(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0)))
    for number in range(3, 9):
        two(CLIENT, submit(number))
    two(ENGINE_0, Finished(1, task(1), 1, OK))

    assert queue_status(two.state) == {
        0: {"queue": 1, "completed": 1, "tasks": 1},
        1: {"queue": 0, "completed": 0, "tasks": 2},
        "unassigned": 3,
    }


def test_queues_by_ids(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0)))
    for number in range(3, 9):
        two(CLIENT, submit(number))
    two(ENGINE_0, Finished(1, task(1), 1, OK))

    listed, counted = queue_ids(two.state), queue_status(two.state)
    assert listed[0] == {"queue": [msg_id(task(2))], "completed": 1, "tasks": [msg_id(task(5))]}
    for engine in (0, 1):
        ids, counts = listed[engine], counted[engine]
        assert isinstance(ids, dict)
        assert isinstance(counts, dict)
        assert {name: ids[name] if name == "completed" else len(ids[name]) for name in ids} == counts
    unassigned = listed["unassigned"]
    assert isinstance(unassigned, list)
    assert len(unassigned) == counted["unassigned"]


def test_ids_of_many_tasks_on_many_engines_fit_an_answer(play: Play) -> None:
    for number in range(20):
        play.quietly(10 + number, EngineUp(instance_id(number)))
        play.quietly(10 + number, Held())
    for number in range(1, 16_001):
        play.quietly(CLIENT, submit(number, (number % 20,)))

    status = queue_ids(play.state)

    assert len(json.dumps(status)) < 2**20 - 1024
    assert {len(status[number]["queue"]) for number in range(20)} == {14_000 // 41}  # type: ignore[index]
