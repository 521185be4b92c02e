"""An engine that keeps too much starts nothing: others go on elsewhere, and what is here for good it may forget."""

from __future__ import annotations

from engineroom.core.actions import Action, Send
from engineroom.core.bounds import binding
from engineroom.core.events import EngineClosed, EngineUp
from engineroom.core.explain import explain_engine, explain_task
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import Delivered, Finished, Full, Revoke, Revoked, Run
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import OK, Play, instance_id, submit, task

FULL = Full(3000, 2000)


def of(actions: list[Action], kind: type) -> list[tuple[int, object]]:
    return [(a.peer, a.message) for a in actions if isinstance(a, Send) and isinstance(a.message, kind)]


def test_balanced_tasks_go_to_others(two: Play) -> None:
    for number in range(1, 5):
        two(CLIENT, submit(number))
    held = [number for number in range(1, 5) if task(number) in two.state.engines[0].held]
    actions = two(ENGINE_0, FULL)
    assert [m for _, m in of(actions, Revoke)] == [Revoke(task(number), 1) for number in reversed(held)]

    ran = [run for number in held for run in of(two(ENGINE_0, Revoked(task(number), 1)), Run)]
    assert {peer for peer, _ in ran} <= {ENGINE_1}

    assert {peer for peer, _ in of(two(ENGINE_0, Full(0, 2000)), Run)} == {ENGINE_0}


def test_direct_ones_wait_for_it_and_explain_says_why(two: Play) -> None:
    two(ENGINE_0, FULL)
    two(CLIENT, submit(1, (0,)))

    for why in (explain_task(two.state, task(1)).why, explain_engine(two.state, 0).why, binding(two.state)[0]):
        assert "2.93 KiB of results and output" in str(why)
        assert "IPEngine.max_unacknowledged_bytes" in str(why)


def test_it_may_forget_what_is_here_the_oldest_first(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0, 0, 0)))
    for number in range(1, 5):
        two.now += 1
        two(ENGINE_0, Finished(number, task(number), 1, OK, b"r" * 1000))

    told = of(two(ENGINE_0, FULL), Delivered)

    assert told == [(ENGINE_0, Delivered(2))]
    assert len(two.state.clients[CLIENT].results) == 4
    two(CLIENT, Delivered(4))
    assert of(two.tick(0.1), Delivered) == [(ENGINE_0, Delivered(4))]


def test_one_that_connects_again_is_not_full_before_it_says_so(two: Play) -> None:
    two(ENGINE_0, FULL)
    two(ENGINE_0, EngineClosed(Closing(Why.SILENT, "silent")))
    two(20, EngineUp(instance_id(0)))
    assert binding(two.state) == []
    two(20, FULL)
    assert len(binding(two.state)) == 1


def test_and_what_was_on_its_way_when_it_said_so(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0)))
    two(ENGINE_0, FULL)
    told = of(two(ENGINE_0, Finished(1, task(1), 1, OK, b"r" * 3000)), Delivered)
    assert told == [(ENGINE_0, Delivered(1))]
    assert of(two(ENGINE_0, Finished(2, task(2), 1, OK, b"r" * 3000)), Delivered) == []
