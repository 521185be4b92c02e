"""Ending what nobody wants, or nobody can run: a little at a time, so that others need not wait for many ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from engineroom.core.engines import Engine
from engineroom.core.families import interrupt_family
from engineroom.core.forcing import end_by_force
from engineroom.core.lines import release
from engineroom.core.prefetch import ask_all_back
from engineroom.core.results import end_unsent, give_up_all
from engineroom.core.sessions import Session
from engineroom.core.task_states import State
from engineroom.core.tasks import Task
from engineroom.core.unwanted import Withdrawal
from engineroom.core.waiting import end_all, go_on_for
from engineroom.ids import Peer, SessionId
from engineroom.protocol.messages import Abort, Interrupt, Outcome, Status
from engineroom.protocol.task_ranges import found_in

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.state import ControllerState

AT_ONCE = 5000
"""So many tasks are withdrawn in one go: a few milliseconds' work."""


def abort(state: ControllerState, peer: Peer, message: Abort) -> None:
    """Withdraw tasks of the client that asks, where they have not started; interrupt the others, if asked to."""
    session = state.clients.get(peer)
    if session is None or session.id != message.tasks.session:
        return
    numbers = found_in(message.tasks.ranges, session.tasks)
    outcome = Outcome(Status.ABORTED, 0.0, 0.0)
    unsent = bool(session.unsent)
    if unsent:
        end_unsent(state, session, found_in(message.tasks.ranges, session.unsent), outcome)
    if numbers:
        interrupt = message.interrupt or message.force
        state.withdrawals.append(
            Withdrawal(session, numbers, outcome, interrupt=interrupt, force=message.force, again=message.again)
        )
        if len(state.withdrawals) == 1:
            withdraw_more(state)
    if unsent:
        go_on_for(state, session)


def client_ended(state: ControllerState, who: bytes) -> None:
    """A client whose unfinished tasks end with it has not come back in time."""
    session = state.sessions.get(SessionId(who))
    if session is None or session.peer is not None or not session.tasks:
        return
    outcome = Outcome(Status.ABORTED, 0.0, 0.0, "the client that submitted this task has ended")
    state.withdrawals.append(Withdrawal(session, list(session.tasks), outcome, interrupt=True, force=False))
    if len(state.withdrawals) == 1:
        withdraw_more(state)


def withdraw_more(state: ControllerState) -> None:
    """Withdraw the next few of the tasks that are to be withdrawn, once it is known which of them run."""
    if state.recovery is not None:
        return  # engines that are not back may run them
    left = AT_ONCE
    while state.withdrawals and left > 0:
        withdrawal = state.withdrawals[0]
        numbers = withdrawal.take(left)
        left -= len(numbers)
        _withdraw(state, withdrawal.session, numbers, withdrawal.outcome, withdrawal)
        if withdrawal.over:
            state.withdrawals.popleft()
    if state.withdrawals:
        state.wake(state.now)


def _withdraw(
    state: ControllerState, session: Session, numbers: Iterable[int], outcome: Outcome, withdrawal: Withdrawal
) -> None:
    """End tasks with `outcome`, unless they have started or turn out to have."""
    waiting: list[Task] = []
    beside: list[Task] = []
    asked: dict[Engine, list[Task]] = {}
    for task in _open(state, session, numbers, withdrawal):
        task.interrupt = task.interrupt or withdrawal.interrupt
        engine = task.engine
        if task.state is State.WAITING:
            beside.append(task)
            continue
        if engine is None:
            waiting.append(task)
            continue
        task.withdrawn = outcome
        if withdrawal.force:
            end_by_force(state, task)
        if task.state is State.SENT:
            asked.setdefault(engine, []).append(task)
        elif task.state is State.STARTED and withdrawal.interrupt:
            _interrupt(state, task, engine)
    for engine, tasks in asked.items():  # first: what ends may pause the session, which asks as well
        ask_all_back(state, tasks, engine)
    _end_waiting(state, waiting, outcome)
    end_all(state, beside, outcome)


def _open(state: ControllerState, session: Session, numbers: Iterable[int], withdrawal: Withdrawal) -> Iterator[Task]:
    """Yield the tasks of which something is still to be asked."""
    for task in filter(None, map(session.tasks.get, numbers)):
        interrupted = task.interrupt or not withdrawal.interrupt
        done = task.withdrawn is not None and interrupted and (task.id in state.forced or not withdrawal.force)
        if not (done and withdrawal.again):
            yield task


def _interrupt(state: ControllerState, task: Task, engine: Engine) -> None:
    if task.id in state.families:
        interrupt_family(state, task)
    state.send(engine.peer, Interrupt(task.id, task.attempt))


def _end_waiting(state: ControllerState, tasks: list[Task], outcome: Outcome) -> None:
    give_up_all(state, tasks, outcome)
    for task in tasks:
        release(state, task)
        assert task.pool is not None
        task.pool.queue.discard(task)
