"""Direct tasks: sent at once, in order, bound to one life of one engine."""

from __future__ import annotations

from engineroom.core.actions import Accept, Send
from engineroom.core.broadcast import NOT_OF_THIS_CLUSTER
from engineroom.core.events import BodyHere, BodyLost, ClientUp, EngineUp, Large
from engineroom.ids import Peer
from engineroom.protocol.messages import (
    EngineLeft,
    Finished,
    Held,
    Options,
    Outcome,
    Result,
    Run,
    Status,
    Stream,
    SubmitAgain,
)
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import (
    CUT,
    ERROR,
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


def lost(words: str) -> Outcome:
    return Outcome(Status.LOST, 0.0, 0.0, words)


def test_it_is_sent_at_once_and_in_order(two: Play) -> None:
    assert two.sent(CLIENT, submit(1, (0,))) == [(ENGINE_0, run(1, direct=True))]
    assert two.sent(CLIENT, submit(2, (0,))) == [(ENGINE_0, run(2, direct=True))]
    assert two.sent(CLIENT, submit(3, (1,))) == [(ENGINE_1, run(3, direct=True))]


def test_its_result_goes_to_the_client(two: Play) -> None:
    two(CLIENT, submit(1, (1,)))

    assert two.sent(ENGINE_1, Finished(1, task(1), 1, OK, b"yes")) == [(CLIENT, result(1, 1, body=b"yes"))]


def test_a_broadcast_is_one_task_for_each_target_numbered_on(two: Play) -> None:
    sent = two.sent(CLIENT, submit(1, (1, 0)))

    assert sent == [(ENGINE_1, run(1, direct=True)), (ENGINE_0, run(2, direct=True))]
    assert two.sent(CLIENT, submit(3, (0,))) == [(ENGINE_0, run(3, direct=True))]


def test_a_submit_that_comes_twice_runs_once(two: Play) -> None:
    two(CLIENT, submit(1, (0, 1)))

    assert two(CLIENT, submit(1, (0, 1))) == []
    assert two(CLIENT, submit(2, (1,))) == []


def test_a_process_that_was_never_here_is_lost_with_words(two: Play) -> None:
    assert two.sent(CLIENT, submit(1, (7,))) == [(CLIENT, result(1, -1, lost(NOT_OF_THIS_CLUSTER)))]


def test_of_several_targets_only_those_that_are_here_run(two: Play) -> None:
    assert two.sent(CLIENT, submit(1, (1, 7, 0))) == [
        (ENGINE_1, run(1, direct=True)),
        (CLIENT, result(2, -1, lost(NOT_OF_THIS_CLUSTER))),
        (ENGINE_0, run(3, direct=True)),
    ]


def test_it_does_not_run_in_the_next_process_with_the_same_id(two: Play) -> None:
    two(ENGINE_1, Death("exit code 3"))
    two(12, EngineUp(instance_id(5), wanted_id=1))

    ((peer, message),) = two.sent(CLIENT, submit(1, (1,)))

    assert isinstance(message, Result)
    assert (peer, message.engine, message.outcome.status) == (CLIENT, 1, Status.LOST)
    assert message.outcome.error.startswith(
        "engine 1 is gone (exit code 3). The engine that has this id now is another"
    )
    assert two.sent(CLIENT, submit(2, (5,))) == [(12, run(2, direct=True))]


def test_nothing_of_an_earlier_cluster_runs_in_this_one(play: Play) -> None:
    """A client that was cut off by the end of its cluster submits all that it has to the next one."""
    for number in range(3):
        play(10 + number, EngineUp(instance_id(100 + number)))
    play(2, ClientUp(session_id(2)))

    sent = play.sent(2, submit(1, (0, 1, 2), client=2)) + play.sent(2, submit(4, (1,), client=2))

    assert sent == [(2, result(number, -1, lost(NOT_OF_THIS_CLUSTER), client=2)) for number in range(1, 5)]


def test_one_that_was_given_up_too_early_is_itself_again(two: Play) -> None:
    two(ENGINE_1, Death("no answer"))
    two(12, EngineUp(instance_id(1)))

    assert two.sent(CLIENT, submit(1, (1,))) == [(12, run(1, direct=True))]


def test_a_target_that_is_gone_is_lost_with_the_cause(two: Play) -> None:
    two(ENGINE_1, Death("exit code 3"))

    assert two.sent(CLIENT, submit(1, (1,))) == [(CLIENT, result(1, 1, lost("engine 1 is gone (exit code 3)")))]


def test_when_its_engine_dies_it_is_lost_and_runs_nowhere_else(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(CLIENT, submit(2, (0,)))

    sent = two.sent(ENGINE_0, Death("killed by SIGKILL"))

    words = "engine 0 died (killed by SIGKILL) before this task had ended"
    assert sent == [
        (CLIENT, EngineLeft(0, instance_id(0), "killed by SIGKILL")),
        (CLIENT, result(1, 0, lost(words))),
        (CLIENT, result(2, 0, lost(words))),
    ]


def test_while_its_engine_is_away_it_waits_and_is_sent_again_as_the_same_attempt(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(CLIENT, submit(2, (0,)))
    assert two.sent(ENGINE_0, CUT) == []
    assert two(CLIENT, submit(3, (0,))) == []

    sent = two.back(20, EngineUp(instance_id(0)), Held(queued=((session_id(), 1, 1, 1),)))

    runs = [(peer, message) for peer, message in sent if isinstance(message, Run)]
    assert runs == [(20, run(2, direct=True)), (20, run(3, direct=True))]


def test_retries_are_on_the_same_engine(two: Play) -> None:
    two(CLIENT, submit(1, (0,), Options(retries=1)))

    assert two.sent(ENGINE_0, Finished(1, task(1), 1, ERROR)) == [(ENGINE_0, run(1, 2, direct=True))]
    assert two.sent(ENGINE_0, Finished(2, task(1), 2, ERROR)) == [(CLIENT, result(1, 0, ERROR))]


def test_a_large_body_is_handed_on_with_run_and_result(two: Play) -> None:
    body, answer = object(), object()
    large = submit(1, (0,), size=10**6)

    assert two(CLIENT, Large(large, body)) == [Accept(body)]
    (send,) = two(CLIENT, BodyHere(task(1), body))
    assert send == Send(Peer(ENGINE_0), Run(task(1), 1, large.call, True, False), body)

    finished = Finished(1, task(1), 1, OK, Stream(5, 10**7))
    send = two(ENGINE_0, Large(finished, answer))[0]
    assert isinstance(send, Send)
    assert send.body is answer
    assert send.message == Result(task(1), 0, OK, Stream(5, 10**7))


def test_a_body_that_never_comes_is_asked_for_again_for_all_tasks_of_its_submit(two: Play) -> None:
    large, body = submit(1, (0, 1), size=10**6), object()
    two(CLIENT, Large(large, body))

    assert two.sent(CLIENT, BodyLost(task(1), body)) == [(CLIENT, SubmitAgain(tasks(1, 2)))]
