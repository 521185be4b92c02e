"""An interrupt that comes before its task has begun reaches the task, and nothing else."""

from __future__ import annotations

from engineroom.core.interrupts import interrupt_first
from engineroom.protocol.messages import Finished, Interrupt, Options, Started
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import ERROR, OK, Death, Play, submit, task


def interrupts(play: Play, peer: int, event: Started | Finished | Death) -> list[tuple[int, Interrupt]]:
    return [(to, message) for to, message in play.sent(peer, event) if isinstance(message, Interrupt)]


def test_the_first_task_of_the_engine_is_interrupted_when_it_begins(two: Play) -> None:
    two(CLIENT, submit(1, to=(0,)))
    two(CLIENT, submit(2, to=(0,)))

    assert interrupt_first(two.state, 0)

    assert interrupts(two, ENGINE_0, Started(task(1), 1)) == [(ENGINE_0, Interrupt(task(1), 1))]
    two(ENGINE_0, Finished(1, task(1), 1, ERROR))
    assert interrupts(two, ENGINE_0, Started(task(2), 1)) == []


def test_direct_tasks_come_first(two: Play) -> None:
    two(CLIENT, submit(1))
    two(CLIENT, submit(2, to=(0,)))

    assert interrupt_first(two.state, 0)

    assert interrupts(two, ENGINE_0, Started(task(1), 1)) == []
    assert interrupts(two, ENGINE_0, Started(task(2), 1)) == [(ENGINE_0, Interrupt(task(2), 1))]


def test_one_that_ends_at_once_takes_its_interrupt_along(two: Play) -> None:
    two(CLIENT, submit(1, to=(0,)))
    interrupt_first(two.state, 0)
    two(ENGINE_0, Finished(1, task(1), 1, OK))
    two(CLIENT, submit(2, to=(0,)))

    assert interrupts(two, ENGINE_0, Started(task(2), 1)) == []


def test_where_nothing_waits_or_something_runs_the_process_is_to_be_signalled(two: Play) -> None:
    assert not interrupt_first(two.state, 0)
    assert not interrupt_first(two.state, 7)
    two(CLIENT, submit(1, to=(0,)))
    two(ENGINE_0, Started(task(1), 1))
    assert not interrupt_first(two.state, 0)


def test_it_does_not_follow_a_task_to_another_engine(two: Play) -> None:
    two(CLIENT, submit(1))
    interrupt_first(two.state, 0)
    two(ENGINE_0, Death("killed by SIGKILL"))

    assert interrupts(two, ENGINE_1, Started(task(1), 2)) == []


def test_nor_to_another_try(two: Play) -> None:
    two(CLIENT, submit(1, options=Options(retries=1)))
    interrupt_first(two.state, 0)
    two(ENGINE_0, Finished(1, task(1), 1, ERROR))

    assert interrupts(two, ENGINE_1, Started(task(1), 2)) == []
