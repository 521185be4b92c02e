"""Tasks that were interrupted and go on: whether they cost their engine, and how they end."""

from __future__ import annotations

import pytest

from engineroom.core.actions import KillEngine
from engineroom.core.events import EngineUp, HostSays
from engineroom.core.explain import explain_task
from engineroom.core.limits import Limits
from engineroom.protocol.messages import (
    Abort,
    AlreadyStarted,
    Coming,
    Ended,
    Finished,
    Interrupt,
    Options,
    Result,
    Run,
    Started,
    Status,
    Terms,
)
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import NO_PEER, OK, Death, Play, instance_id, submit, task, tasks

HOST = b"h" * 16
RESTART = Options(terms=Terms(3.0, restart=True))
GRACE = Limits().interrupt_grace


@pytest.fixture
def hosted(play: Play) -> Play:
    """Return a core with two engines of a host that starts them again."""
    play(NO_PEER, HostSays(HOST, Coming(restarts=True)))
    for number, peer in enumerate((ENGINE_0, ENGINE_1)):
        play(peer, EngineUp(instance_id(number), host=HOST))
    return play


def kills(play: Play, seconds: float) -> list[int]:
    """Let time pass; return the engines that are to be killed."""
    return [action.engine for action in play.tick(seconds) if isinstance(action, KillEngine)]


def ends(play: Play, peer: int, event: object) -> list[tuple[int, str]]:
    found = []
    for to, message in play.sent(peer, event):  # type: ignore[arg-type]
        if to == CLIENT and isinstance(message, Result | Ended):
            found.append((message.outcome.status, message.outcome.error))
    return found


def test_what_goes_on_beyond_its_time_limit_costs_its_engine_if_its_client_says_so(hosted: Play) -> None:
    sent = hosted.sent(CLIENT, submit(1, options=RESTART))
    assert [message.announce for _, message in sent if isinstance(message, Run)] == [True]
    hosted(ENGINE_0, Started(task(1), 1))
    assert kills(hosted, 3.0 + GRACE - 0.1) == []
    assert kills(hosted, 0.2) == [0]
    assert "The engine is being restarted" in explain_task(hosted.state, task(1)).why
    ((status, words),) = ends(hosted, ENGINE_0, Death("killed by SIGKILL"))
    assert status == Status.OVERDUE
    assert "time limit of 3 s" in words and "engine 0 was restarted" in words
    assert not hosted.state.forced
    hosted.state.check()


def test_what_ends_in_time_costs_nobody_anything(hosted: Play) -> None:
    hosted(CLIENT, submit(1, options=RESTART))
    hosted(ENGINE_0, Started(task(1), 1))
    hosted(ENGINE_0, Finished(1, task(1), 1, OK))
    assert not hosted.state.forced
    assert kills(hosted, 100.0) == []


def test_without_restart_the_engine_is_left_alone_and_that_is_said(hosted: Play) -> None:
    hosted(CLIENT, submit(1, options=Options(terms=Terms(3.0))))
    hosted(ENGINE_0, Started(task(1), 1))
    assert kills(hosted, 3.0 + GRACE + 0.1) == []
    why = explain_task(hosted.state, task(1)).why
    assert why.startswith("it runs on engine 0, though it ran longer than its time limit of 3 s and was interrupted")
    assert "ar.cancel(force=True)" in why


def test_an_engine_that_nobody_would_start_again_is_left_alone_and_that_is_said(two: Play) -> None:
    two(CLIENT, submit(1, options=RESTART))
    two(ENGINE_0, Started(task(1), 1))
    assert kills(two, 100.0) == []
    assert "rc.send_signal('SIGKILL', targets=0)" in explain_task(two.state, task(1)).why


@pytest.mark.parametrize("to", [None, (0,)])
def test_cancel_with_force(hosted: Play, to: tuple[int, ...] | None) -> None:
    hosted(CLIENT, submit(1, to))
    hosted(ENGINE_0, Started(task(1), 1))
    sent = hosted.sent(CLIENT, Abort(tasks(1), force=True))
    assert [message for _, message in sent] == [Interrupt(task(1), 1)]
    assert kills(hosted, GRACE - 0.1) == []
    assert kills(hosted, 0.2) == [0]
    ((status, words),) = ends(hosted, ENGINE_0, Death("killed by SIGKILL"))
    assert status == Status.ABORTED
    assert words == (
        "the task was ended with its engine: it was cancelled and interrupted, but it did not end within 5 s, so "
        "engine 0 was restarted"
    )


def test_cancel_with_force_of_what_has_not_started_withdraws_it(hosted: Play) -> None:
    for number in (1, 2, 3):
        hosted(CLIENT, submit(number))
    hosted(ENGINE_0, Started(task(1), 1))
    hosted(CLIENT, Abort(tasks(3), force=True))
    assert kills(hosted, 100.0) == []


def test_code_that_holds_the_gil_says_nothing_and_is_ended_all_the_same(hosted: Play) -> None:
    hosted(CLIENT, submit(1))
    hosted(CLIENT, Abort(tasks(1), force=True))
    assert kills(hosted, GRACE + 0.1) == [0]
    ((status, _),) = ends(hosted, ENGINE_0, Death("killed by SIGKILL"))
    assert status == Status.ABORTED


def test_nobody_else_s_task_is_ended_for_one_that_waits_behind_it(hosted: Play) -> None:
    hosted(CLIENT, submit(1, (0, 0)))
    hosted(ENGINE_0, Started(task(1), 1))
    hosted(CLIENT, Abort(tasks(2), force=True))
    assert kills(hosted, 20.0) == []


def test_what_else_the_engine_holds_runs_elsewhere_and_is_not_blamed(hosted: Play) -> None:
    hosted(ENGINE_1, Death("gone"))
    for number in (1, 2):
        hosted(CLIENT, submit(number))
    hosted(ENGINE_0, Started(task(1), 1))
    hosted(CLIENT, Abort(tasks(1), force=True))
    assert kills(hosted, GRACE + 0.1) == [0]
    hosted(NO_PEER, HostSays(HOST, Coming(1, 1, restarts=True)))
    assert len(ends(hosted, ENGINE_0, Death("killed by SIGKILL"))) == 1
    hosted(12, EngineUp(instance_id(7), host=HOST))
    held = hosted.state.instances[instance_id(7)].held
    assert [(each.number, each.losses, each.suspicions) for each in held.values()] == [(2, 0, 0)]


def test_a_task_that_says_late_that_it_has_started_is_watched_from_then_on(hosted: Play) -> None:
    hosted(CLIENT, submit(1))
    hosted(CLIENT, Abort(tasks(1), force=True))
    hosted(ENGINE_0, AlreadyStarted(task(1), 1))
    assert kills(hosted, GRACE + 0.1) == [0]
