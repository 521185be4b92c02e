"""Large results come when there is room for what their client keeps: until then they wait in their engines."""

from __future__ import annotations

import pytest

from engineroom.core.actions import Accept, Action, Send
from engineroom.core.bounds import binding
from engineroom.core.events import ClientGone, EngineUp, Large, ResultAnnounced
from engineroom.core.explain import explain_engine, explain_task
from engineroom.core.limits import Limits
from engineroom.core.pressure import RESULT_BYTES
from engineroom.protocol.messages import Delivered, Finished, Full, Held, Options, Outcome, Result, Run, Status, Stream
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import CUT, ERROR, OK, Death, Play, instance_id, session_id, submit, task

SIZE = 100_000
KEPT = RESULT_BYTES + SIZE
OTHER = 2


@pytest.fixture
def play() -> Play:
    """Return a core that keeps two large results of a client, with two clients and two engines."""
    play = Play(Limits(kept_bytes=2 * KEPT + KEPT // 2, all_kept_bytes=100 * KEPT, prefetch_tasks=2))
    play.connect(CLIENT)
    play.connect(OTHER)
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(ENGINE_1, EngineUp(instance_id(1)))
    return play


def ended(number: int, *, outcome: Outcome = OK, size: int = SIZE, attempt: int = 1) -> Finished:
    """Return the end of direct task `number`, the result of that number at its engine."""
    return Finished(number, task(number), attempt, outcome, Stream(number, size))


def announce(play: Play, number: int, peer: int = ENGINE_0, *, size: int = SIZE) -> list[Action]:
    return play(peer, ResultAnnounced(ended(number, size=size), number))


def come(play: Play, number: int, peer: int = ENGINE_0, *, size: int = SIZE) -> list[Action]:
    return play(peer, Large(ended(number, size=size), number))


def of(actions: list[Action], kind: type) -> list[object]:
    return [a.message for a in actions if isinstance(a, Send) and isinstance(a.message, kind)]


def full_of_results(play: Play) -> None:
    """Have client 1 submit eight tasks to engine 0, of which four end."""
    play(CLIENT, submit(1, (0,) * 8))
    for number in (1, 2, 3, 4):
        announce(play, number)


def test_only_those_are_asked_for_that_have_room(play: Play) -> None:
    play(CLIENT, submit(1, (0,) * 8))
    asked = [action for number in range(1, 5) for action in announce(play, number) if isinstance(action, Accept)]
    assert asked == [Accept(1), Accept(2)]
    assert play.state.clients[CLIENT].kept_bytes == 2 * KEPT


def test_room_is_taken_when_a_result_is_asked_for_and_once_only(play: Play) -> None:
    full_of_results(play)
    come(play, 2)
    come(play, 1)
    assert play.state.clients[CLIENT].kept_bytes == 2 * KEPT


def test_what_waits_comes_when_its_client_has_received_half(play: Play) -> None:
    full_of_results(play)
    come(play, 1)
    come(play, 2)
    asked = play(CLIENT, Delivered(2))
    assert [action for action in asked if isinstance(action, Accept)] == [Accept(3), Accept(4)]
    assert [r.task for r in of(come(play, 3) + come(play, 4), Result)] == [task(3), task(4)]  # type: ignore[attr-defined]


def test_meanwhile_its_engine_works_for_others(play: Play) -> None:
    play(CLIENT, submit(1, (0,) * 4))
    for number in (1, 2, 3, 4):
        announce(play, number)
    come(play, 1)
    come(play, 2)
    play(OTHER, submit(1, client=OTHER))
    play(OTHER, submit(2, (0,), client=OTHER))
    assert explain_engine(play.state, 0).state == "busy"
    assert [run.task for run in of(play.tick(5.0), Run)] == []  # type: ignore[attr-defined]
    held = {id_ for engine in play.state.engines.values() for id_ in engine.held}
    assert held == {task(1, OTHER), task(2, OTHER)}


def test_a_result_larger_than_the_bound_comes_alone(play: Play) -> None:
    play(CLIENT, submit(1, (0,) * 2))
    assert Accept(1) in announce(play, 1, size=100 * SIZE)
    assert Accept(2) not in announce(play, 2)
    come(play, 1, size=100 * SIZE)
    assert Accept(2) in play(CLIENT, Delivered(1))


def test_explain_says_what_is_waited_for(play: Play) -> None:
    full_of_results(play)
    about = explain_task(play.state, task(3))
    assert about.state == "returning"
    assert about.engine == 0
    assert "which still has its result" in about.why
    assert binding(play.state)[0].startswith("2 results of client ")
    for words in (about.why, binding(play.state)[0]):
        assert "IPController.max_kept_bytes" in words


def test_a_cut_engine_announces_again_what_it_has(play: Play) -> None:
    full_of_results(play)
    come(play, 1)
    play(ENGINE_0, CUT)
    assert play.state.clients[CLIENT].kept_bytes == KEPT

    back = 20
    finished = ((session_id(), 1, 4, 1),)
    play.back(back, EngineUp(instance_id(0)), Held(finished=finished))
    actions = [action for number in (2, 3, 4) for action in announce(play, number, back)]
    assert [action for action in actions if isinstance(action, Accept)] == [Accept(2)]


def test_a_task_whose_result_is_lost_with_its_engine_runs_again(play: Play) -> None:
    for number in range(1, 4):
        play(CLIENT, submit(number))
    on = {number: play.state.clients[CLIENT].tasks[number].engine for number in (1, 2, 3)}
    its = next(engine for engine in on.values() if engine is not None)
    for number, engine in on.items():
        assert engine is not None
        announce(play, number, engine.known_as)
    left = [number for number, t in play.state.clients[CLIENT].tasks.items() if t.state.name == "RETURNING"]
    assert left
    actions = play(its.known_as, Death("killed by SIGKILL"))
    tasks = play.state.clients[CLIENT].tasks
    assert set(tasks) == {1, 2, 3}
    assert of(actions, Result) == []


def test_what_is_tried_again_needs_no_room(play: Play) -> None:
    play(CLIENT, submit(1, (0,) * 2))
    play(CLIENT, submit(3, (0,), Options(retries=1)))
    announce(play, 1)
    announce(play, 2)
    announced = play(ENGINE_0, ResultAnnounced(ended(3, outcome=ERROR), 3))
    assert announced == [Accept(3)]
    play(ENGINE_0, Large(ended(3, outcome=ERROR), 3))
    assert play.state.clients[CLIENT].tasks[3].errors == 1


def test_a_result_that_never_comes_gives_its_room_back(play: Play) -> None:
    full_of_results(play)
    lost = Finished(1, task(1), 1, Outcome(Status.LOST, 0.0, 0.0, "no memory"), b"")
    actions = play(ENGINE_0, lost)
    assert [r.outcome.status for r in of(actions, Result)] == [Status.LOST]  # type: ignore[attr-defined]
    assert Accept(3) in actions
    assert play.state.clients[CLIENT].kept_bytes == 2 * KEPT + RESULT_BYTES


def test_a_full_engine_is_relieved_for_the_sake_of_others(play: Play) -> None:
    full_of_results(play)
    come(play, 1)
    come(play, 2)
    asked = play(ENGINE_0, Full(6 * KEPT, 6 * KEPT))
    assert [action for action in asked if isinstance(action, Accept)] == [Accept(3)]
    assert play.state.clients[CLIENT].paused


def test_what_waits_for_a_client_that_is_gone_comes_when_the_rest_has_expired(play: Play) -> None:
    full_of_results(play)
    come(play, 1)
    come(play, 2)
    play(CLIENT, ClientGone())
    asked = play.tick(play.state.limits.linger + 1)
    assert [action for action in asked if isinstance(action, Accept)] == [Accept(3), Accept(4)]
