"""Arguments and functions that come, or turn out not to: what the tasks that wait for them do then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.attempts import queue
from engineroom.core.forgetting import function_is_idle, function_of, function_size
from engineroom.core.keeping import running
from engineroom.core.lines import Arrival
from engineroom.core.prefetch import ask_back, refresh
from engineroom.core.results import lost
from engineroom.core.sessions import Session
from engineroom.core.task_states import Cause, State, step
from engineroom.core.tasks import MeasuredFunction, Task
from engineroom.core.waiting import end_all, end_unsent, go_on, lack_function, seek
from engineroom.ids import Peer, TaskId, number_of, session_of

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def body_here(state: ControllerState, task_id: TaskId, body: object) -> None:
    """The arguments of a Submit are complete."""
    arrival = _awaited(state, task_id, body)
    if arrival is not None:
        for task in _taken(arrival):
            come(state, task)


def body_lost(state: ControllerState, task_id: TaskId, body: object, words: str) -> None:
    """The arguments of a Submit will never be complete: `words` say why."""
    arrival = _awaited(state, task_id, body)
    if arrival is not None:
        _not_come(state, _taken(arrival), words)


def _awaited(state: ControllerState, task_id: TaskId, body: object) -> Arrival | None:
    """Return what waits for `body`; what is submitted again has another one."""
    session, number = state.sessions.get(session_of(task_id)), number_of(task_id)
    for arrival in () if session is None else map(session.arrivals.get, (number, -number)):
        if arrival is not None and arrival.body is body:
            return arrival
    return None


def _taken(arrival: Arrival) -> list[Task]:
    """Have nothing wait for `arrival` any more; return the tasks that did."""
    del arrival.session.arrivals[arrival.number]
    return _detached(arrival)


def _detached(arrival: Arrival) -> list[Task]:
    tasks = list(arrival.tasks.values())
    arrival.tasks.clear()
    for task in tasks:
        task.arrival = None
    return tasks


def come(state: ControllerState, task: Task) -> None:
    """One thing is there that `task` has waited for."""
    task.lacks -= 1
    if task.lacks:
        return
    if task.function.away:
        lack_function(state, task)
    elif task.target < 0:
        step(task, Cause.COMPLETE)
        queue(state, task)
    elif task.line is not None:
        go_on(state, task.line)


def _not_come(state: ControllerState, tasks: list[Task], words: str) -> None:
    """What these tasks wait for will not come. No words: their clients are asked for them again."""
    if words:
        end_all(state, [task for task in tasks if task.state is State.WAITING], lost(words))
    else:
        end_unsent(state, tasks)


def function_coming(state: ControllerState, peer: Peer, hash_: bytes) -> None:
    """A client has begun to send a function that is not here."""
    function = function_of(state, hash_)
    function.senders[peer] = True
    _is_away(state, function)
    if not function.users:
        function_is_idle(state, hash_)


def _is_away(state: ControllerState, function: MeasuredFunction) -> None:
    function.away = True
    state.away[function.hash] = function


def function_here(state: ControllerState, hash_: bytes, size: int) -> None:
    """A function is complete, with all its parts."""
    function_size(state, hash_, size)
    function = state.away.pop(hash_, None)
    if function is None:
        if hash_ not in state.functions:  # no task names it yet, and perhaps none ever will
            function_of(state, hash_)
            function_is_idle(state, hash_)
        return
    function.away = False
    function.senders.clear()
    tasks = list(function.waiting.values())
    function.waiting.clear()
    for task in tasks:
        come(state, task)
    if state.kept:
        running.function_here(state)


def function_lost(state: ControllerState, peer: Peer, hash_: bytes, words: str) -> None:
    """A client's copy of a function will never be complete: `words` say why."""
    function = state.away.get(hash_)
    if function is None:
        return
    function.senders.pop(peer, None)
    session = state.clients.get(peer)
    _not_come(state, [task for task in function.waiting.values() if task.session is session], words)
    seek(state, function)


def function_missing(state: ControllerState, peer: Peer, hash_: bytes) -> None:
    """An engine has been sent tasks of a function that is not to be had now: they wait here instead of there."""
    engine, function = state.engine_peers.get(peer), state.functions.get(hash_)
    if engine is None or function is None or not hash_:
        return
    _is_away(state, function)
    tasks = [task for task in engine.held.values() if task.function is function]
    overtaken = {task.session: task.number for task in reversed(tasks) if task.target >= 0}
    tasks = [task for task in engine.held.values() if task.function is function or _is_after(task, overtaken)]
    for task in reversed(tasks):  # the last first: none of a client's direct ones is to overtake another
        if task.state is State.SENT or (task.state is State.STARTED and task.function is function):
            ask_back(state, task, engine)
    refresh(state, engine)
    if engine.first:
        running.function_missing(state, engine, hash_)


def _is_after(task: Task, overtaken: dict[Session, int]) -> bool:
    return task.target >= 0 and task.number > overtaken.get(task.session, task.number)


def sender_gone(state: ControllerState, peer: Peer, session: Session) -> None:
    """The connection of a client is gone: what it was sending will not come from there."""
    theirs = [arrival for arrival in session.arrivals.values() if not arrival.stored]
    tasks = [task for arrival in theirs for task in _detached(arrival)]
    for arrival in theirs:  # before any of them ends: nothing more is to be asked for
        del session.arrivals[arrival.number]
    end_unsent(state, tasks)
    for function in list(state.away.values()):
        if peer in function.senders:
            del function.senders[peer]
            seek(state, function)
