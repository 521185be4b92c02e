"""What is kept for a client is bounded in bytes: at the bound its tasks wait, and nobody else's."""

from __future__ import annotations

import pytest

from engineroom.core.actions import Action, Send
from engineroom.core.events import ClientBehind, ClientGone, ClientUp, EngineUp
from engineroom.core.explain import explain_task
from engineroom.core.limits import Limits
from engineroom.core.pressure import RESULT_BYTES
from engineroom.core.tasks import TASK_BYTES
from engineroom.protocol.messages import (
    Abort,
    AlreadyStarted,
    Delivered,
    Finished,
    Result,
    Revoked,
    Run,
    Status,
    Withdraw,
)
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import CALL, OK, Death, Play, instance_id, one_by_one, session_id, submit, task, tasks

PAYLOAD = b"r" * 1000
KEPT = RESULT_BYTES + len(PAYLOAD)
OTHER = 2


@pytest.fixture
def play() -> Play:
    """Return a core that keeps four results of a client, with clients 1 and 2 and engine 0."""
    play = Play(Limits(kept_bytes=4 * KEPT, all_kept_bytes=100 * KEPT, prefetch_tasks=2))
    for client in (CLIENT, OTHER):
        play.connect(client)
    play(ENGINE_0, EngineUp(instance_id(0)))
    return play


def sent(actions: list[Action], kind: type) -> list[tuple[int, int]]:
    """Return the numbers of the tasks that messages of this kind are about, and to whom they go."""
    messages = [(action.peer, action.message) for action in actions if isinstance(action, Send)]
    return [(peer, int.from_bytes(m.task[16:])) for peer, m in messages if isinstance(m, kind)]  # type: ignore[union-attr]


def end(play: Play, numbers: range, *, client: int = CLIENT, first: int = 1) -> list[Action]:
    """Have engine 0 end these tasks; its results are numbered from `first`."""
    actions: list[Action] = []
    for its, number in enumerate(numbers, first):
        attempt = play.state.sessions[session_id(client)].tasks[number].attempt
        actions += play(ENGINE_0, Finished(its, task(number, client), attempt, OK, PAYLOAD))
    return actions


def test_at_its_bound_a_client_has_no_more_tasks_started(play: Play) -> None:
    for number in range(1, 11):
        play(CLIENT, submit(number))

    actions = end(play, range(1, 6))

    assert play.state.sessions[session_id()].paused
    assert len(sent(actions, Result)) == 5
    assert sent(play(CLIENT, submit(11)), Run) == []


def test_the_tasks_of_others_go_on(play: Play) -> None:
    for number in range(1, 11):
        play(CLIENT, submit(number))
    end(play, range(1, 6))

    play(OTHER, submit(1, client=OTHER))
    for number in (6, 7):
        play(ENGINE_0, Revoked(task(number), 1))

    assert sent(end(play, range(1, 2), client=OTHER, first=6), Result) == [(OTHER, 1)]


def test_it_goes_on_once_half_of_it_is_delivered(play: Play) -> None:
    play(CLIENT, submit(1, (0,) * 8))
    actions = end(play, range(1, 6))
    assert [message for _, message in one_by_one(actions) if isinstance(message, Withdraw)] == [
        Withdraw(((session_id(), 6, 8, 1),))
    ]
    for number in (8, 7, 6):
        play(ENGINE_0, Revoked(task(number), 1))

    assert sent(play(CLIENT, Delivered(2)), Run) == []
    assert sent(play(CLIENT, Delivered(3)), Run) == [(ENGINE_0, number) for number in (6, 7, 8)]


def test_direct_tasks_keep_their_order_whatever_the_engine_has_not_answered(play: Play) -> None:
    play(CLIENT, submit(1, (0,) * 8))
    end(play, range(1, 6))
    play(ENGINE_0, Revoked(task(8), 1))
    assert sent(play(CLIENT, Delivered(5)), Run) == []

    play(ENGINE_0, Revoked(task(7), 1))
    actions = play(ENGINE_0, AlreadyStarted(task(6), 1))

    assert sent(actions, Run) == [(ENGINE_0, 7), (ENGINE_0, 8)]


def test_what_comes_while_it_waits_goes_behind(play: Play) -> None:
    play(CLIENT, submit(1, (0,) * 6))
    end(play, range(1, 6))
    play(CLIENT, submit(7, (0,)))
    play(ENGINE_0, Revoked(task(6), 1))

    assert sent(play(CLIENT, Delivered(5)), Run) == [(ENGINE_0, 6), (ENGINE_0, 7)]


def test_a_waiting_direct_task_can_be_cancelled(play: Play) -> None:
    play(CLIENT, submit(1, (0,) * 5))
    end(play, range(1, 6))
    play(CLIENT, submit(6, (0,)))

    assert sent(play(CLIENT, Abort(tasks(6))), Result) == [(CLIENT, 6)]
    assert sent(play(CLIENT, Delivered(6)), Run) == []


def test_and_ends_with_its_engine(play: Play) -> None:
    play(CLIENT, submit(1, (0,) * 5))
    end(play, range(1, 6))
    play(CLIENT, submit(6, (0,)))

    actions = play(ENGINE_0, Death("killed by SIGKILL"))

    assert sent(actions, Result) == [(CLIENT, 6)]


def test_a_client_that_is_gone_is_bounded_alike_and_loses_nothing(play: Play) -> None:
    play(CLIENT, submit(1, (0,) * 8))
    play(CLIENT, ClientGone())
    end(play, range(1, 6))
    for number in (8, 7, 6):
        play(ENGINE_0, Revoked(task(number), 1))

    assert sent(play(3, ClientUp(session_id())), Result) == [(3, number) for number in range(1, 6)]
    assert sent(play(3, Delivered(5)), Run) == [(ENGINE_0, number) for number in (6, 7, 8)]


def test_all_clients_together_are_bounded_by_what_they_share() -> None:
    play = Play(Limits(kept_bytes=32 * KEPT, all_kept_bytes=3 * KEPT))
    for client in (CLIENT, OTHER):
        play.connect(client)
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(CLIENT, submit(1, (0,) * 8))

    end(play, range(1, 6))

    assert play.state.sessions[session_id()].paused
    play(OTHER, submit(1, (0,), client=OTHER))
    end(play, range(1, 2), client=OTHER, first=6)
    assert not play.state.sessions[session_id(OTHER)].paused


def test_after_a_long_absence_a_client_learns_that_results_were_dropped_and_why(play: Play) -> None:
    play(CLIENT, submit(1, (0, 0, 0)))
    play(CLIENT, ClientGone())
    end(play, range(1, 3))
    play.tick(901.0)
    play.tick(0.0)
    assert "IPController.linger" in str(explain_task(play.state, task(1)).why)

    actions = play(3, ClientUp(session_id()))

    results = [message for _, message in one_by_one(actions) if isinstance(message, Result)]
    assert [(r.task, r.outcome.status) for r in results] == [(task(n), Status.LOST) for n in (1, 2)]
    assert all("disconnected for more than 900 s (IPController.linger)" in r.outcome.error for r in results)


def test_nobody_is_paused_for_a_session_that_is_forgotten(play: Play) -> None:
    play(CLIENT, submit(1, (0,) * 5))
    end(play, range(1, 6))
    play(CLIENT, ClientGone())
    play.tick(901.0)
    play.tick(0.0)

    assert session_id() not in play.state.sessions
    assert not play.state.paused
    assert play.state.granted == 0


def test_a_client_that_does_not_read_has_no_more_tasks_started(play: Play) -> None:
    play(CLIENT, ClientBehind(behind=True))
    assert sent(play(CLIENT, submit(1)), Run) == []
    assert sent(play(CLIENT, submit(2, (0,))), Run) == []
    play(CLIENT, ClientBehind(behind=True))

    assert sorted(sent(play(CLIENT, ClientBehind(behind=False)), Run)) == [(ENGINE_0, 1), (ENGINE_0, 2)]


def test_and_goes_on_when_its_connection_is_gone(play: Play) -> None:
    play(CLIENT, ClientBehind(behind=True))
    play(CLIENT, submit(1))

    assert sent(play(CLIENT, ClientGone()), Run) == [(ENGINE_0, 1)]


def test_a_client_whose_unfinished_tasks_take_too_much_has_more_refused() -> None:
    play = Play(Limits(submitted_bytes=3 * (TASK_BYTES + len(CALL.body))))
    play.connect(CLIENT)
    for number in range(1, 4):
        assert sent(play(CLIENT, submit(number)), Result) == []

    [refused] = [a.message for a in play(CLIENT, submit(4)) if isinstance(a, Send)]

    assert isinstance(refused, Result)
    assert refused.outcome.status == Status.ABORTED
    assert "IPController.max_submitted_bytes" in refused.outcome.error


def test_explain_says_what_a_waiting_task_waits_for(play: Play) -> None:
    play(CLIENT, submit(1, (0,) * 5))
    end(play, range(1, 6))
    play(CLIENT, submit(6, (0,)))
    play(CLIENT, submit(7))

    for number in (6, 7):
        assert "IPController.max_kept_bytes" in str(explain_task(play.state, task(number)).why)


def test_a_second_engine_takes_nothing_of_a_paused_client(play: Play) -> None:
    for number in range(1, 11):
        play(CLIENT, submit(number))
    end(play, range(1, 6))
    assert sent(play(ENGINE_1, EngineUp(instance_id(1))), Run) == []
