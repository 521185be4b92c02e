"""While the engines of an earlier controller are waited for, nothing is started that they may have.

That takes `reattach_grace` at most, and ends when the last of them is back. A task that depends on others waits until
its client has said all that this controller must know: which of those have failed, for one. One that takes results
which are not here waits for those engines that are still away then, for they may have them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.arrivals import come
from engineroom.core.dependencies import await_at_last
from engineroom.core.engines import Engine
from engineroom.core.lines import Arrival
from engineroom.core.placement import Pool
from engineroom.core.presence.agenda import Key, Kind
from engineroom.core.prospects import end_hopeless
from engineroom.core.results import lost
from engineroom.core.sessions import Session
from engineroom.core.tasks import Task
from engineroom.core.waiting import end_all, wait
from engineroom.core.withdrawals import withdraw_more
from engineroom.ids import TaskId
from engineroom.protocol.messages import Outcome, Status
from engineroom.protocol.task_ranges import found_in

if TYPE_CHECKING:
    from engineroom.core.events import RestoredTask
    from engineroom.core.state import ControllerState


ENDED = "the cluster ended"

OF_NO_TASK = f"the task that made this call was running when {ENDED}, and a task's calls end with it"

_NAMED = 8
"""So many engines are named."""


class Recovery:
    """`expected`: the engines that are not back."""

    __slots__ = ("expected",)

    def __init__(self, expected: list[Engine]) -> None:
        self.expected: dict[Engine, None] = dict.fromkeys(expected)


def begin(state: ControllerState, expected: list[Engine]) -> None:
    """Wait for these engines; if it is not known which there are, for any."""
    state.recovery = Recovery(expected)
    until = state.now + state.limits.reattach_grace
    state.presence.agenda.put(Key(Kind.RECOVERY), until)
    state.wake(until)


def is_back(state: ControllerState, engine: Engine) -> None:
    """`engine` has said what it holds, or is lost."""
    recovery = state.recovery
    if engine in state.late:
        del state.late[engine]
        for task in list(state.held_back):
            _go_on(state, task)
    if recovery is not None and engine in recovery.expected:
        del recovery.expected[engine]
        if not recovery.expected:
            over(state)


def over(state: ControllerState) -> None:
    """All are back, or the time is over: what has been held back may start."""
    state.presence.agenda.drop(Key(Kind.RECOVERY))
    if state.recovery is not None:
        state.late = state.recovery.expected
    state.recovery = None
    withdraw_more(state)
    for task in list(state.held_back):
        _go_on(state, task)
    end_hopeless(state)


def go_on_for(state: ControllerState, session: Session) -> None:
    """The client of `session` has said all that it had to, or will not any more."""
    if state.recovery is None:
        for task in [task for task in state.held_back if task.session is session]:
            _go_on(state, task)


def hold_back(state: ControllerState, task: Task, place: Engine | Pool, arrival: Arrival | None) -> bool:
    """Have a QUEUED task, submitted just now, wait if some engine may have it; return whether it does."""
    depends = task.submit.awaits is not None
    waits = depends and (not task.session.told or _inputs_may_come(state, task))
    if not waits and (state.recovery is None or (task.target >= 0 and not depends)):
        return False
    hold(state, task, place, arrival, None)
    return True


def hold(
    state: ControllerState, task: Task, place: Engine | Pool, arrival: Arrival | None, known: RestoredTask | None
) -> None:
    """Have a QUEUED task wait until it is known who has it; `known`: what the store knew of it."""
    wait(state, task, place, arrival)
    task.lacks += 1
    state.held_back[task] = known


def _inputs_may_come(state: ControllerState, task: Task) -> bool:
    """Whether an engine is still away that may have a result that is not here, and that `task` takes."""
    awaits, claims = task.submit.awaits, task.session.claims
    if not state.late or awaits is None or not awaits.inputs:
        return False
    ranges = [(first, last) for _, first, last in awaits.inputs]
    return any(claims[number] is None for number in found_in(ranges, claims))


def _go_on(state: ControllerState, task: Task) -> None:
    if task not in state.held_back:
        return  # it has ended meanwhile
    known = state.held_back[task]
    if task.session in state.returning if known else task.submit.awaits is not None and not task.session.told:
        return
    if _inputs_may_come(state, task):
        return
    if known is not None:
        task.tries = known.tries
        if outcome := _ends_instead(state, task, known):
            end_all(state, [task], outcome)
            return
    del state.held_back[task]
    if task.submit.awaits is not None:
        await_at_last(state, task, task.submit.awaits)
    else:
        come(state, task)


def _ends_instead(state: ControllerState, task: Task, known: RestoredTask) -> Outcome | None:
    """Return how a task of the store, which no engine has, ends without running again; None: it runs."""
    submit = task.submit
    if known.lost:
        return lost(known.lost)
    if submit.within and TaskId(submit.within) not in state.families:
        return Outcome(Status.ABORTED, 0.0, 0.0, OF_NO_TASK)
    if known.tries and not submit.options.rerun_lost:
        task.errors += 1
        if task.errors > submit.options.retries:
            last = known.tries[-1]
            return lost(f"this task may have been running on engine {last.engine} when {ENDED}, and must not run twice")
    return None


def why_held_back(state: ControllerState, task: Task) -> str:
    """Return what a task waits for that is held back."""
    if state.recovery is None and task.session in state.returning:
        return "the controller was restarted: waiting a moment for its client, which may have its result"
    if state.recovery is None:
        if task.session.told:
            return f"the controller was restarted: waiting for {_named(state.late)} to reconnect, for results it takes"
        return "the controller was restarted: waiting for its client to submit again the tasks that it depends on"
    engines = _named(state.recovery.expected)
    return f"the controller was restarted: waiting for {engines} to reconnect, which may be running it"


def _named(engines: dict[Engine, None]) -> str:
    ids = sorted(engine.id for engine in engines)
    more = f" and {len(ids) - _NAMED} others" if len(ids) > _NAMED else ""
    return f"engine{'' if len(ids) == 1 else 's'} {', '.join(map(str, ids[:_NAMED]))}{more}" if ids else "engines"
