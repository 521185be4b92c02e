"""A task whose payload did not arrive is submitted again, and is the same task as before."""

from __future__ import annotations

import pytest

from engineroom.core.actions import Accept, DropBody
from engineroom.core.events import BodyHere, BodyLost, ClientGone, ClientUp, Large
from engineroom.core.limits import Limits
from engineroom.core.tasks import TASK_BYTES
from engineroom.core.unsent import UNSENT_BYTES
from engineroom.protocol.messages import (
    Abort,
    Delivered,
    Finished,
    Result,
    Run,
    Status,
    SubmitAgain,
)
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import ABORTED, OK, Death, Play, result, session_id, submit, task, tasks

LARGE = 10**6


def lose(play: Play, number: int, to: tuple[int, ...] | None = None) -> None:
    """Submit a task whose payload breaks off."""
    message, body = submit(number, to, size=LARGE), object()
    play(CLIENT, Large(message, body))
    play(CLIENT, BodyLost(message.task, body))


def test_its_client_is_asked_for_it_and_it_runs_under_its_number(two: Play) -> None:
    message, body, whole = submit(1, (0,), size=LARGE), object(), object()
    two(CLIENT, Large(message, body))

    assert two.sent(CLIENT, BodyLost(task(1), body)) == [(CLIENT, SubmitAgain(tasks(1)))]

    assert two(CLIENT, Large(message, whole)) == [Accept(whole)]
    assert two.sent(CLIENT, BodyHere(task(1), whole)) == [(ENGINE_0, Run(task(1), 1, message.call, direct=True))]
    assert two.sent(ENGINE_0, Finished(1, task(1), 1, OK)) == [(CLIENT, result(1, 0))]


def test_one_that_waits_is_asked_for_at_once(play: Play) -> None:
    message, body = submit(1, size=LARGE), object()
    play(CLIENT, Large(message, body))

    assert play.sent(CLIENT, BodyLost(task(1), body)) == [(CLIENT, SubmitAgain(tasks(1)))]
    assert play(CLIENT, Large(message, 1)) == [Accept(1)]
    assert play.state.sessions[session_id()].tasks.keys() == {1}


def test_a_client_that_was_cut_off_is_asked_when_it_is_back(two: Play) -> None:
    message, body = submit(1, (0, 1), size=LARGE), object()
    two(CLIENT, Large(message, body))
    two(CLIENT, ClientGone())

    sent = two.sent(2, ClientUp(session_id()))

    assert sent[-1] == (2, SubmitAgain(tasks(1, 2)))
    two(2, Large(message, 1))
    runs = two.sent(2, BodyHere(task(1), 1))
    assert [(peer, run.task) for peer, run in runs] == [(ENGINE_0, task(1)), (ENGINE_1, task(2))]


def test_of_a_submit_that_comes_again_only_what_was_asked_for_is_taken(two: Play) -> None:
    message, body = submit(1, (0, 1), size=LARGE), object()
    two(CLIENT, Large(message, body))
    two(ENGINE_0, Death("exit code 3"))  # the first of the two has ended
    assert two.sent(CLIENT, BodyLost(task(1), body)) == [(CLIENT, SubmitAgain(tasks(2)))]

    two(CLIENT, Large(message, 1))

    assert two.sent(CLIENT, BodyHere(task(1), 1)) == [(ENGINE_1, Run(task(2), 1, message.call, direct=True))]


@pytest.mark.parametrize("known", [False, True])
def test_what_nobody_has_asked_for_is_not_taken_and_its_bytes_are_refused(two: Play, known: bool) -> None:
    if known:
        lose(two, 1, (1,))
    two(CLIENT, submit(2, (0,)))
    body = object()

    assert two(CLIENT, Large(submit(2, (0,), size=LARGE), body)) == [DropBody(body)]
    assert two(CLIENT, submit(2, (0,))) == []


def test_the_loss_of_an_earlier_body_does_not_concern_what_was_submitted_again(two: Play) -> None:
    message, body = submit(1, (0,), size=LARGE), object()
    lose(two, 1, (0,))
    two(CLIENT, Large(message, object()))

    assert two(CLIENT, BodyLost(task(1), body)) == []


def test_it_can_be_lost_any_number_of_times(two: Play) -> None:
    for _ in range(4):
        lose(two, 1, (0,))
        assert two.state.sessions[session_id()].unsent == {1: 0}


def test_one_that_is_aborted_meanwhile_ends(two: Play) -> None:
    lose(two, 1, (0,))
    lose(two, 2, (0,))

    assert two.sent(CLIENT, Abort(tasks(1))) == [(CLIENT, result(1, -1, ABORTED))]
    body = object()
    assert two(CLIENT, Large(submit(1, (0,), size=LARGE), body)) == [DropBody(body)]
    two(CLIENT, Delivered(1))
    assert two.state.sessions[session_id()].unsent.keys() == {2}


def test_one_that_its_client_does_not_wait_for_is_not_asked_for(two: Play) -> None:
    lose(two, 1, (0,))
    two(CLIENT, Delivered(1))
    assert two.state.sessions[session_id()].unsent == {}
    two(CLIENT, Delivered(3))  # of the future: it counts as far as tasks are known
    lose(two, 2, (0,))
    assert two.state.sessions[session_id()].unsent.keys() == {2}


def test_one_whose_engine_dies_meanwhile_is_asked_for_and_then_ends_with_the_cause(two: Play) -> None:
    lose(two, 1, (0,))
    two(ENGINE_0, Death("exit code 3"))

    ((peer, ended),) = two.sent(CLIENT, Large(submit(1, (0,), size=LARGE), object()))
    assert isinstance(ended, Result)
    assert (peer, ended.outcome.status) == (CLIENT, Status.LOST)
    assert ended.outcome.error.startswith("engine 0 is gone (exit code 3)")


def test_what_is_kept_of_them_counts_as_submitted() -> None:
    play = Play(Limits(submitted_bytes=2 * UNSENT_BYTES + TASK_BYTES - 1))
    play.connect(CLIENT)
    for number in (1, 2):
        lose(play, number)

    ended = play.sent(CLIENT, submit(3))

    assert [message.outcome.status for _, message in ended if isinstance(message, Result)] == [Status.ABORTED]
