"""Engines die: what they had not started runs elsewhere, and a task that kills engines is contained and blamed."""

from __future__ import annotations

from engineroom.core.events import EngineUp, HostSays
from engineroom.protocol.messages import (
    Coming,
    EngineInfo,
    EngineLeft,
    Finished,
    Options,
    Outcome,
    Output,
    Result,
    Run,
    Started,
    Status,
)
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import OK, Death, Play, instance_id, result, run, submit, task

HOST = 50
MORE = HostSays(b"host", Coming(engines=1))
DIED = Death("killed by SIGKILL")


def left(engine: int) -> tuple[int, EngineLeft]:
    return (CLIENT, EngineLeft(engine, instance_id(engine), DIED.cause))


def lost(words: str) -> Outcome:
    return Outcome(Status.LOST, 0.0, 0.0, words)


def test_what_may_have_started_runs_again_announced(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, submit(2))

    assert two.sent(ENGINE_0, DIED) == [left(0), (ENGINE_1, run(1, 2, announce=True))]


def test_the_tasks_of_a_dead_engine_go_ahead_of_newcomers_in_their_order(two: Play) -> None:
    for number in range(1, 8):
        two(CLIENT, submit(number))
    two(ENGINE_0, DIED)  # it held 1 and 3, the other one 2 and 4

    order = []
    for number, (id_, attempt) in enumerate([(2, 1), (4, 1), (1, 2), (3, 2), (5, 1)], 1):
        sent = two.sent(ENGINE_1, Finished(number, task(id_), attempt, Outcome(Status.OK, 0.0, 1.0)))
        order += [(message.task, message.attempt) for _, message in sent if isinstance(message, Run)]
    assert order[:4] == [(task(1), 2), (task(3), 2), (task(5), 1), (task(6), 1)]


def test_a_task_that_kills_engines_ends_after_one_unknown_and_three_known_deaths(play: Play) -> None:
    for number in range(6):
        play(10 + number, EngineUp(instance_id(number)))
    play(CLIENT, submit(1))
    assert play.sent(10, DIED) == [left(0), (11, run(1, 2, announce=True))]
    for number in (1, 2):
        play(10 + number, Started(task(1), number + 1))
        assert play.sent(10 + number, DIED) == [left(number), (11 + number, run(1, number + 2, announce=True))]
    play(13, Started(task(1), 4))

    sent = play.sent(13, DIED)

    engines = ", ".join(f"engine {number} (killed by SIGKILL)" for number in range(4))
    assert sent == [left(3), (CLIENT, result(1, 3, lost(f"this task was running when {engines} died")))]


def test_those_that_waited_behind_it_are_never_blamed(play: Play) -> None:
    play(10, EngineUp(instance_id(0)))
    play(HOST, MORE)
    play(CLIENT, submit(1))
    play(CLIENT, submit(2))
    for death in range(4):
        if death:
            play(10 + death, Started(task(1), death + 1))
        play(10 + death, DIED)
        play(11 + death, EngineUp(instance_id(death + 1)))

    sent = play.sent(14, Finished(1, task(2), 5, OK, b"innocent"))

    assert (CLIENT, result(2, 4, body=b"innocent")) in sent


def test_suspicion_alone_ends_too(play: Play) -> None:
    play(HOST, MORE)
    play(CLIENT, submit(1))
    results = []
    for death in range(4):
        play(10 + death, EngineUp(instance_id(death)))
        results += [m for _, m in play.sent(10 + death, DIED) if isinstance(m, Result)]
    assert [its.outcome.status for its in results] == [Status.LOST]


def test_without_rerun_lost_a_loss_counts_against_retries(two: Play) -> None:
    options = Options(rerun_lost=False, retries=1)
    assert two.sent(CLIENT, submit(1, options=options)) == [(ENGINE_0, run(1, announce=True))]
    two(ENGINE_0, Started(task(1), 1))
    assert two.sent(ENGINE_0, DIED) == [left(0), (ENGINE_1, run(1, 2, announce=True))]
    two(ENGINE_1, Started(task(1), 2))

    words = "this task was running when engine 0 (killed by SIGKILL), engine 1 (killed by SIGKILL) died"
    assert two.sent(ENGINE_1, DIED) == [left(1), (CLIENT, result(1, 1, lost(words)))]


def test_without_rerun_lost_what_had_not_started_still_runs_elsewhere(two: Play) -> None:
    two(CLIENT, submit(1, options=Options(rerun_lost=False)))

    assert two.sent(ENGINE_0, DIED) == [left(0), (ENGINE_1, run(1, 2, announce=True))]


def test_a_task_for_engines_that_are_all_gone_is_lost_with_words(two: Play) -> None:
    two(ENGINE_1, DIED)

    words = "no remaining engine may run this task; it was restricted to: engine 1 (killed by SIGKILL)"
    assert two.sent(CLIENT, submit(1, options=Options(engines=(1,)))) == [(CLIENT, result(1, -1, lost(words)))]


def test_tasks_that_wait_for_an_engine_end_when_it_dies(two: Play) -> None:
    for number in range(1, 4):
        two(CLIENT, submit(number, options=Options(engines=(1,))))

    sent = two.sent(ENGINE_1, DIED)

    assert sorted(message.task for _, message in sent if isinstance(message, Result)) == [task(1), task(2), task(3)]


def test_a_result_of_an_engine_given_up_for_dead_is_ignored_and_acknowledged(two: Play) -> None:
    two(CLIENT, submit(1))
    two(ENGINE_0, DIED)
    two(20, EngineUp(instance_id(0)))

    assert two.state.instances[instance_id(0)].id == 0
    assert two.sent(20, Finished(7, task(1), 1, OK)) == []
    assert [str(action.message) for action in two.tick(0.05) if hasattr(action, "message")] == [
        "Delivered(up_to=0, also=((7, 7),))"
    ]


def engine_on(host: str, number: int) -> EngineUp:
    return EngineUp(instance_id(number), EngineInfo(host=host))


def test_the_error_names_where_each_engine_was_how_it_ended_and_what_it_wrote_last(play: Play) -> None:
    for number in range(3):
        play(ENGINE_0 + number, engine_on(f"node{number}", number))
    play(CLIENT, submit(1, options=Options(max_engine_losses=2)))
    play(ENGINE_0, Output(task(1), 1, 1, 0, "first\n" + "x\n" * 20 + "the end of 0\n"))
    play(ENGINE_0, Death("exit code 3", running=((task(1), 1),)))
    words = "Its last output:\n    the end of 1\nIts log: /log/1"

    sent = play.sent(ENGINE_1, Death("exit code 4", running=((task(1), 2),), words=words))

    [ended] = [message for _, message in sent if type(message) is Result]

    assert ended.outcome.error == (
        "this task was running when engine 0 on node0 (exit code 3), engine 1 on node1 (exit code 4) died.\n"
        "Engine 0: its last output:\n" + "    x\n" * 5 + "    the end of 0\n"
        "Engine 1: its last output:\n    the end of 1\nIts log: /log/1"
    )


def test_a_direct_task_is_told_too_what_it_wrote_last_where_no_host_can_look(play: Play) -> None:
    play(ENGINE_0, engine_on("node0", 0))
    play(CLIENT, submit(1, (0,)))
    play(ENGINE_0, Started(task(1), 1))
    play(ENGINE_0, Output(task(1), 1, 2, 0, "Segmentation fault\n"))

    [ended] = [m for _, m in play.sent(ENGINE_0, Death("killed by SIGSEGV")) if type(m) is Result]

    assert ended.outcome.error == (
        "engine 0 on node0 died (killed by SIGSEGV) while it ran this task. Its last output:\n    Segmentation fault"
    )


def test_many_long_last_words_still_fit_into_one_message(play: Play) -> None:
    for number in range(8):
        play(ENGINE_0 + number, engine_on("n" * 50, number))
    play(CLIENT, submit(1, options=Options(max_engine_losses=7)))
    for number in range(7):
        [engine] = [each for each in play.state.engines.values() if each.held]
        words = "Its last output:\n    " + "é" * 5000
        sent = play.sent(engine.known_as, Death("exit code 3", running=((task(1), number + 1),), words=words))

    [ended] = [m for _, m in sent if type(m) is Result]
    assert len(ended.outcome.error.encode()) <= 4096
    assert "engine 0 on" in ended.outcome.error
    assert ended.outcome.error.count("Engine ") == 3
