"""Tasks whose function or arguments are not there: they wait beside, take no place, and end with their sender."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.actions import DropBody
from engineroom.core.engines import Engine
from engineroom.core.lines import Arrival, Line, leave, line_at, number_in_session, offer, pull, tidy
from engineroom.core.placement import Pool, assign
from engineroom.core.prefetch import refresh
from engineroom.core.results import give_up_all, lost
from engineroom.core.task_states import Cause, State, step
from engineroom.core.tasks import MeasuredFunction, Task
from engineroom.core.unsent import unsend
from engineroom.protocol.messages import NeedFunction, Outcome

_NOBODY_HAS_IT = (
    "what this task needs is not in the controller any more, and its client, which could send it again, is gone"
)

FEW = 8
"""A task that lacks more results of others is sent nowhere: all of them are looked at whenever one of them moves."""

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.sessions import Session
    from engineroom.core.state import ControllerState


def wait(state: ControllerState, task: Task, place: Engine | Pool, arrival: Arrival | None = None) -> None:
    """Have a QUEUED task wait for its function, its arguments, or for those ahead of it on their way to `place`."""
    step(task, Cause.LACKING)
    if task.waits is not None:
        task.lacks = task.waits.open
    if arrival is not None:
        task.lacks += 1
        offer(line_at(place, task.session), task, arrival)
    if task.target >= 0:
        line_at(place, task.session).add(task)
    if task.function.away:
        lack_function(state, task)


def lack_function(state: ControllerState, task: Task) -> None:
    """Have a task that is WAITING wait for its function as well."""
    task.lacks += 1
    function = task.function
    function.waiting[task.id] = task
    if function.senders:
        _ask_for(state, function, task.session)
    else:
        seek(state, function)


def begin(state: ControllerState, arrival: Arrival) -> None:
    """All tasks that wait for these bytes have been offered, if any do: have them come in their turn."""
    if not arrival.tasks:
        state.out.append(DropBody(arrival.body))
        return
    arrival.session.arrivals[arrival.number] = arrival
    for task in tuple(arrival.tasks.values()):
        assert task.line is not None
        pull(state, task.line)


def is_behind(engine: Engine, session: Session) -> bool:
    """Whether a direct task of `session` must wait here behind others on their way to `engine`."""
    if engine.recalled or session.paused or session.unsent:
        return True
    if not engine.lines:
        return False
    line = engine.lines.get(session)
    return line is not None and line.live > 0


def go_on(state: ControllerState, line: Line) -> None:
    """Send the direct tasks of `line` that wait for nothing any more."""
    engine = line.place
    assert isinstance(engine, Engine)
    if engine.recalled or line.session.paused or line.session.unsent:
        return  # what the engine gives back, or is submitted again, may have to go ahead
    while (task := line.head()) is not None and (not task.lacks or may_go_behind(task, engine)):
        if task.function.away:
            lack_function(state, task)
            continue
        line.tasks.popleft()
        line.live -= 1
        if task.id in line.counted:
            line.pending -= 1
        else:
            task.line = None
        task.lacks = 0
        step(task, Cause.COMPLETE)
        assign(state, task, engine)
    refresh(state, engine)
    pull(state, line)
    tidy(line)


def may_go_behind(task: Task, engine: Engine) -> bool:
    """Whether all that a WAITING task lacks are few results of tasks ahead of which it cannot run on `engine`."""
    waits = task.waits
    if waits is None or task.lacks != 1 or not 0 < waits.missing <= FEW or waits.gates.due:
        return False
    session = task.session
    for number in waits.inputs:
        if number not in session.results:
            other = session.tasks.get(number)
            if other is None or other.engine is not engine or other.state is State.REVOKING:
                return False
    return True


def resume(state: ControllerState, engine: Engine) -> None:
    """`engine` has answered: what waits for it may go on."""
    for line in tuple(engine.lines.values()):
        go_on(state, line)


def go_on_for(state: ControllerState, session: Session) -> None:
    """Nothing of `session` is to be submitted again any more, or its pause is over: its direct tasks go on."""
    for engine in state.engines.values():
        if (line := engine.lines.get(session)) is not None:
            go_on(state, line)


def end_on(state: ControllerState, engine: Engine, outcome: Outcome) -> None:
    """End the direct tasks that wait for `engine`, which is dead."""
    tasks = [task for line in engine.lines.values() for task in line.after(0)]
    _leave_all(state, tasks)
    give_up_all(state, tasks, outcome, engine.id)


def end_all(state: ControllerState, tasks: list[Task], outcome: Outcome) -> None:
    """End tasks that are WAITING. Those of their clients that they kept waiting go on."""
    lines = {task.line: None for task in tasks if task.line is not None and task.target >= 0}
    _leave_all(state, tasks)
    give_up_all(state, tasks, outcome)
    for line in lines:
        go_on(state, line)


def end_unsent(state: ControllerState, tasks: list[Task]) -> None:
    """Have the clients of these WAITING tasks submit them again, and with them those that must not overtake them."""
    every: dict[Task, None] = {}
    for task in tasks:
        if task.state is State.WAITING:
            line = task.line
            every.update(dict.fromkeys([task] if line is None or task.target < 0 else line.after(task.number)))
    _leave_all(state, list(every))
    unsend(state, sorted([task for task in every if task.session.may_send_again(task)], key=number_in_session))
    give_up_all(state, [task for task in every if not task.session.may_send_again(task)], lost(_NOBODY_HAS_IT))


def _leave_all(state: ControllerState, tasks: list[Task]) -> None:
    for task in reversed(tasks):  # so that the bytes of none are asked for that is about to leave
        leave(state, task)


def _ask_for(state: ControllerState, function: MeasuredFunction, session: Session) -> None:
    """Ask the client of `session`, if it is there, for a function that nobody sends: those asked may never begin."""
    if session.peer is not None and session.peer not in function.senders and True not in function.senders.values():
        function.senders[session.peer] = False
        state.send(session.peer, NeedFunction(function.hash))


def seek(state: ControllerState, function: MeasuredFunction) -> None:
    """If nobody sends a function that tasks wait for, ask their clients; of those that are gone, when they are back."""
    if True in function.senders.values():
        return
    for session in {task.session: None for task in function.waiting.values()}:
        _ask_for(state, function, session)
    if not function.senders:
        end_unsent(state, list(function.waiting.values()))
