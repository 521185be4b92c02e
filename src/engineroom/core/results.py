"""The end of a task: its result goes to its client, and is kept until it has arrived there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engineroom.core.acknowledgements import owe
from engineroom.core.actions import Send
from engineroom.core.edges import HasEnded, is_input
from engineroom.core.engines import Engine
from engineroom.core.forgetting import forget
from engineroom.core.inputs import input_goes, life_of, must_stay
from engineroom.core.journal import release_result
from engineroom.core.outputs import drop_output, end_output
from engineroom.core.pressure import RESULT_BYTES, give_back, press, relieve
from engineroom.core.sessions import Session
from engineroom.core.staying import stays_no_more
from engineroom.core.tasks import Kept, Task
from engineroom.core.unsent import UNSENT, take_unsent, unsend
from engineroom.core.watching import tell_end
from engineroom.core.whole_calls import begin, drop_session, retain, settle_call, settle_calls
from engineroom.ids import INSTANCE_BYTES, TaskId
from engineroom.protocol.messages import Ended, Finished, Outcome, Result, Status
from engineroom.protocol.task_ranges import numbers_in, task_pieces, tidy
from engineroom.protocol.texts import brief

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState

NO_TASK = TaskId(b"")
"""In the place of a task's id in a result that many tasks share."""

SHARED_BYTES = 128
"""What such a result takes for each of its tasks."""


def finish(state: ControllerState, task: Task, engine: Engine, message: Finished, body: object) -> None:
    """`task` has ended on `engine`, which holds it no more."""
    its = message.body
    result = Result(task.id, engine.id, message.outcome, its)
    size = RESULT_BYTES + (len(its) if isinstance(its, bytes) else its.size)
    _end(state, task, Kept(result, body, engine, message.number, size, state.now))


def give_up(state: ControllerState, task: Task, outcome: Outcome, engine: int = -1) -> None:
    """`task`, which no engine holds, ends without having run to its end; `engine`: the id of the one to name."""
    if outcome is UNSENT:
        unsend(state, (task,))
        return
    _end(state, task, Kept(Result(task.id, engine, outcome), None, None, 0, RESULT_BYTES, state.now))


def give_up_all(state: ControllerState, tasks: Sequence[Task], outcome: Outcome, engine: int = -1) -> None:
    """End tasks like `give_up`; a client is told of all of its own together."""
    if outcome is UNSENT:
        unsend(state, tasks)
        return
    if len(tasks) == 1:
        give_up(state, tasks[0], outcome, engine)
        return
    kept = Kept(Result(NO_TASK, engine, outcome), None, None, 0, SHARED_BYTES, state.now)
    told: dict[Session, list[int]] = {}
    for task in tasks:
        session = task.session
        numbers = told.get(session)
        if numbers is None:
            numbers = told[session] = []
        _end(state, task, kept, numbers)
    for session, numbers in told.items():
        tell_ended(state, session, kept, numbers)


def tell_ended(state: ControllerState, session: Session, kept: Kept, numbers: Iterable[int]) -> None:
    """Tell a client, if it is there, that its tasks with these numbers ended alike."""
    for tasks in task_pieces(session.id, numbers):
        state.send(session.peer, Ended(tasks, kept.result.outcome, kept.result.engine))


def lost(words: str) -> Outcome:
    """Return the outcome of a task whose engine died, or that can run nowhere."""
    return Outcome(Status.LOST, 0.0, 0.0, brief(words))


def cannot(words: str, *, name: str = "ImpossibleDependency") -> Outcome:
    """Return the outcome of a task that depends on what is not there; `name`: of the error of `errors` that says so."""
    return Outcome(Status.DEPENDENCY, 0.0, 0.0, brief(f"{name}: {words}"))


def _end(state: ControllerState, task: Task, kept: Kept, untold: list[int] | None = None) -> None:
    """End `task`. Its client is told, unless its number is put on the list of those that are `untold`."""
    forget(state, task)
    session = task.session
    to = task.submit.to
    if to is not None and len(to) > INSTANCE_BYTES:
        begin(session, task.submit)
    if state.recording:
        journal = state.journal
        journal.ended.append((task, kept, session.outputs.get(task.number) if session.outputs else None))
        if journal.early:
            journal.last = kept.record = journal.last + 1
    keep(state, session, task.number, kept, untold)


def end_late(state: ControllerState, task: Task, kept: Kept) -> None:
    """`task` had ended before its client submitted it: that is now its end."""
    if state.recording:
        state.journal.ended.append((task, kept, task.session.outputs.get(task.number)))
        if state.journal.early:
            state.journal.last = kept.record = state.journal.last + 1
    keep(state, task.session, task.number, kept)


def end_unsent(state: ControllerState, session: Session, numbers: Iterable[int], outcome: Outcome) -> None:
    """End tasks that their client was asked to submit again, like `give_up_all`."""
    kept = Kept(Result(NO_TASK, -1, outcome), None, None, 0, SHARED_BYTES, state.now)
    untold: list[int] = []
    for number in numbers:
        if take_unsent(session, number) is not None:
            keep(state, session, number, kept, untold)
    tell_ended(state, session, kept, untold)


def keep(  # noqa: C901 (it is called for each task, and a call costs more than a branch)
    state: ControllerState, session: Session, number: int, kept: Kept, untold: list[int] | None = None
) -> None:
    """Keep the end of task `number` until its client has it. It is told, unless its number is put on the list."""
    if kept.result.outcome.status:
        session.ends.failed(number)
    if session.awaited and number in session.awaited:
        state.news.append(HasEnded(session, number, kept))
    if session.calls:
        tell_end(state, session, number, kept)
    if number <= session.delivered_up_to:
        _drop(state, session, number, kept)
        return
    session.results[number] = kept
    session.kept_bytes += kept.size
    if session.outputs:
        end_output(state, session, number)
    if session.kept_bytes > session.room and not is_input(session, number):
        press(state, session)
    if session.peer is None:
        expire_at(state, kept.finished + state.limits.linger)
    elif untold is None:
        state.out.append(Send(session.peer, kept.result, kept.body))
    else:
        untold.append(number)


def _drop(state: ControllerState, session: Session, number: int, kept: Kept) -> None:
    """The client has said already that it waits for nothing up to here."""
    drop_output(session, number)
    settle_call(state, session, number)
    session.ends.ran(number, life_of(state, kept))
    release_result(state, kept)


def let_go(  # noqa: C901 (it is called for all tasks there are, and a call for each costs more than a branch)
    state: ControllerState, session: Session, numbers: Iterable[int]
) -> None:
    """The results of these tasks need not be kept any more; no harm if they are not. O(numbers).

    Engines are told of all together.
    """
    results, ran, early = session.results, session.ends.ran, state.journal.early
    engines: dict[Engine, None] = {}
    calls = None
    if session.calls:
        numbers = tuple(numbers)
        calls = retain(state, session, numbers)
    for number in numbers:
        if session.outputs:
            drop_output(session, number)
        kept = results.get(number)
        if kept is None:
            continue
        if kept.use is not None:
            stays_no_more(state, session, number, kept)
            if must_stay(kept.use):
                continue
        del results[number]
        session.kept_bytes -= kept.size
        if session.kept_bytes < session.low:
            relieve(state, session)
        if kept.use is not None:
            input_goes(state, session, number, kept.use)
        engine = kept.engine
        if engine is None:
            ran(number, life_of(state, kept))
            continue
        ran(number, engine.life)
        if early and kept.record > state.journal.committed:
            state.journal.uncommitted.append(kept)
            continue
        engines[engine] = None
        engine.unacknowledged.pop(kept.number, None)
        engine.fresh[kept.number] = None
    for engine in engines:
        owe(state, engine)
    if calls:
        settle_calls(state, calls)


def expire_at(state: ControllerState, when: float) -> None:
    """Check at `when` for results that no client has fetched."""
    if state.expire_at is None or when < state.expire_at:
        state.expire_at = when
        state.wake(when)


def expire(state: ControllerState) -> None:
    """Let go what has been kept for too long for clients that are gone, and forget those that have nothing left."""
    state.expire_at = None
    for session in list(state.gone.values()):
        due = session.gone_at + state.limits.linger
        if due <= state.now:
            due = _expire(state, session)
        if due <= state.now and not session.paused:
            drop_session(state, session)
            give_back(state, session)
        else:  # a pause ends after this event
            expire_at(state, due)


def _expire(state: ControllerState, session: Session) -> float:
    """Drop what is too old. Return when the next is; now, if there is nothing left to wait for."""
    dropped, due = [], state.now
    for number, kept in list(session.results.items()):
        due = kept.finished + state.limits.linger
        if due > state.now:
            break
        let_go(state, session, (number,))
        if number not in session.results:
            dropped.append(number)
    if dropped:
        session.dropped = tidy([*session.dropped, *((number, number) for number in dropped)])
        if state.recording:
            state.journal.expired += task_pieces(session.id, dropped)
    if session.results and due > state.now:
        return due
    return state.now + state.limits.linger if session.tasks else state.now


def recall_dropped(state: ControllerState, session: Session) -> None:
    """The client of `session` is back: it is to learn which results were dropped, and why."""
    kept = Kept(Result(NO_TASK, -1, lost(words_for_dropped(state))), None, None, 0, SHARED_BYTES, state.now)
    ranges, session.dropped = session.dropped, []
    for number in numbers_in(ranges):
        session.results[number] = kept
        session.kept_bytes += SHARED_BYTES
    if session.kept_bytes > session.room:
        press(state, session)


def words_for_dropped(state: ControllerState) -> str:
    """Return why a result is not here any more."""
    return (
        f"its result was deleted because its client was disconnected for more than {state.limits.linger:g} s "
        "(IPController.linger). Run the task again"
    )
