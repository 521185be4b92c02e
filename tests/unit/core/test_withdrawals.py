"""Withdrawing many tasks at once: a few messages, a little at a time, and nothing else is touched."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from engineroom.core.actions import Action, Send, WakeAt
from engineroom.core.events import ClientGone, ClientUp, EngineUp
from engineroom.core.withdrawals import AT_ONCE
from engineroom.ids import Peer, number_of
from engineroom.protocol.messages import (
    Abort,
    Delivered,
    Ended,
    Held,
    Interrupt,
    Options,
    Outcome,
    Result,
    Run,
    Started,
    Status,
    Withdraw,
    Withdrawn,
)
from engineroom.protocol.ranges import MOST
from engineroom.protocol.task_ranges import TaskRanges
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import ABORTED, Death, Play, instance_id, session_id, submit, task, tasks
from tests.unit.core.restarts import restart
from tests.unit.core.world import World

MANY = 3 * AT_ONCE


def messages(actions: list[Action], kind: type) -> list[object]:
    return [action.message for action in actions if isinstance(action, Send) and isinstance(action.message, kind)]


def test_many_that_wait_end_in_a_few_messages_while_others_are_served(play: Play) -> None:
    for number in range(1, MANY + 1):
        play.quietly(CLIENT, submit(number))
    play.connect(2)

    actions = play(CLIENT, Abort(tasks(*range(1, MANY + 1))))
    assert messages(actions, Ended) == [Ended(tasks(*range(MANY - AT_ONCE + 1, MANY + 1)), ABORTED)]
    assert WakeAt(play.now) in actions  # not all in one go

    play.quietly(2, submit(1, client=2))
    told = [ended for _ in range(2) for ended in messages(play.tick(0.0), Ended)]
    assert [len(ended.tasks) for ended in told if isinstance(ended, Ended)] == [AT_ONCE, AT_ONCE]
    assert play.sent(ENGINE_0, EngineUp(instance_id(0)))[-1][1] == Run(task(1, 2), 1, submit(1).call)


def test_what_runs_is_interrupted_last_so_that_nothing_unwanted_takes_its_place(two: Play) -> None:
    for number in range(1, AT_ONCE + 2):
        two.quietly(CLIENT, submit(number, (0,)))
    two(ENGINE_0, Started(task(1), 1))

    first = two.sent(CLIENT, Abort(tasks(*range(1, AT_ONCE + 2)), interrupt=True))
    assert first == [(ENGINE_0, Withdraw(((session_id(), 2, AT_ONCE + 1, 1),)))]
    assert messages(two.tick(0.0), Interrupt) == [Interrupt(task(1), 1)]


def test_many_on_an_engine_are_asked_back_in_one_message_and_end_in_one(two: Play) -> None:
    for number in range(1, 1001):
        two.quietly(CLIENT, submit(number, (0,)))

    asked = two.sent(CLIENT, Abort(tasks(*range(1, 1001))))
    assert asked == [(ENGINE_0, Withdraw(((session_id(), 1, 1000, 1),)))]

    ended = two(ENGINE_0, Withdrawn(((session_id(), 2, 1000, 1),)))
    assert messages(ended, Ended) == [Ended(tasks(*range(2, 1001)), ABORTED)]
    assert list(two.state.clients[Peer(CLIENT)].tasks) == [1]


def test_what_an_engine_never_held_is_no_matter(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(CLIENT, Abort(tasks(1)))

    assert two(ENGINE_1, Withdrawn(((session_id(), 0, MOST, 1),))) == []
    assert two(ENGINE_0, Withdrawn(((session_id(), 0, MOST, 2), (session_id(4), 0, MOST, 1)))) == []
    (message,) = messages(two(ENGINE_0, Withdrawn(((session_id(), 0, MOST, 1),))), Result)
    assert message == Result(task(1), -1, ABORTED)


def test_any_number_may_be_withdrawn_and_only_those_that_are_there_are(play: Play) -> None:
    play(CLIENT, submit(7))

    ends = messages(play(CLIENT, Abort(TaskRanges(session_id(), ((0, MOST),)))), Result)

    assert ends == [Result(task(7), -1, ABORTED)]


@given(
    direct=st.lists(st.booleans(), min_size=1, max_size=40),
    unwanted=st.sets(st.integers(1, 40)),
    started=st.integers(0, 3),
)
def test_each_withdrawn_task_ends_once_and_the_others_run(direct: list[bool], unwanted: set[int], started: int) -> None:
    world = World("leastload", 0, engines=2)
    client = world.clients[0]
    for number, is_direct in enumerate(direct):
        client.submit((number % 2,) if is_direct else None, Options(), b"f", 0)
    for _ in range(started):
        world.go_on()

    assert client.peer is not None
    world.perform(world.play(client.peer, Abort(tasks(*unwanted))))
    world.settle()

    assert set(client.results) == set(client.submitted)
    for id_, its in client.results.items():
        assert its.outcome.status == Status.OK or number_of(id_) in unwanted


def test_the_tasks_of_a_dead_engine_end_in_one_message(two: Play) -> None:
    for number in range(1, 1001):
        two.quietly(CLIENT, submit(number, (0,)))

    (ended,) = messages(two(ENGINE_0, Death("killed by SIGKILL")), Ended)

    words = "engine 0 died (killed by SIGKILL) before this task had ended"
    assert ended == Ended(tasks(*range(1, 1001)), Outcome(Status.LOST, 0.0, 0.0, words), 0)


def test_a_client_that_was_away_is_told_of_all_that_ended_alike_together(play: Play) -> None:
    for number in range(1, 101):
        play.quietly(CLIENT, submit(number))
    play(CLIENT, Abort(tasks(*range(1, 101))))
    play(CLIENT, Delivered(10, ((90, 100),)))
    play(CLIENT, ClientGone())

    actions = play(2, ClientUp(session_id()))

    assert messages(actions, Ended) == [Ended(tasks(*range(11, 90)), ABORTED)]
    assert messages(actions, Result) == []


def test_what_is_held_is_told_in_pieces(two: Play) -> None:
    for number in range(1, 7):
        two(CLIENT, submit(number, (0,)))
    two.alone(20, EngineUp(instance_id(0)))

    pieces = [
        Held(running=((session_id(), 1, 1, 1),), last=False),
        Held(queued=((session_id(), 2, 3, 1), (session_id(), 9, 9, 1)), last=False),
        Held(finished=((session_id(), 4, 5, 1),), last=False),
    ]
    told = [messages(two.alone(20, piece), object) for piece in pieces]
    assert told == [[], [Withdraw(((session_id(), 9, 9, 1),))], []]
    assert messages(two(CLIENT, submit(7, (0,))), Run) == []  # it is not back

    back = messages(two.alone(20, Held()), Run)
    assert [run.task for run in back if isinstance(run, Run)] == [task(6), task(7)]


def test_an_engine_cut_again_while_it_tells_starts_over(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two.alone(20, EngineUp(instance_id(0)))
    two.alone(20, Held(running=((session_id(), 1, 1, 1),), last=False))
    two.alone(21, EngineUp(instance_id(0)))

    assert two.alone(20, Held()) == []
    assert messages(two.alone(21, Held()), Run) == [Run(task(1), 1, submit(1).call, direct=True)]


def test_the_last_piece_makes_it_connected_once(two: Play) -> None:
    assert two(ENGINE_0, Held()) == []


def test_what_an_engine_may_run_that_is_not_back_is_withdrawn_when_it_is(two: Play) -> None:
    two(CLIENT, submit(1))
    restart(two, 1)
    two(CLIENT, ClientUp(session_id()))
    two(CLIENT, submit(1))
    assert two.sent(CLIENT, Abort(tasks(1), interrupt=True)) == []
    two.back(20, EngineUp(instance_id(1)), Held())
    sent = two.back(21, EngineUp(instance_id(0)), Held(running=((session_id(), 1, 1, 1),)))
    assert [message for _, message in sent if isinstance(message, Interrupt | Result)] == [Interrupt(task(1), 1)]
