"""Results that are arguments of other tasks: how long they stay here, and which engines have them.

They do not count as kept for their client: else what keeps its tasks from starting could be what they wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engineroom.core.bounds import size_in_words
from engineroom.core.edges import Prerequisites, Use
from engineroom.core.engines import Engine
from engineroom.core.pressure import press, relieve
from engineroom.core.sessions import Session
from engineroom.core.tasks import Kept, Task
from engineroom.ids import TaskId, task_id
from engineroom.protocol.messages import Awaits, ForgetInputs, Input, Submit
from engineroom.protocol.task_ranges import one_task, ranges_of

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState


def use(state: ControllerState, session: Session, kept: Kept) -> None:
    """Note one more task of which a result is an argument: it holds its session up no more."""
    if kept.use is None:
        kept.use = Use()
    kept.use.users += 1
    if not kept.use.counted and not kept.use.stays:
        kept.use.counted = True
        session.kept_bytes -= kept.size
        session.input_bytes += kept.size
        state.input_bytes += kept.size
        if session.kept_bytes < session.low:
            relieve(state, session)


def too_many_bytes(state: ControllerState, session: Session) -> str:
    """Return, in words, which limit the arguments of this session's tasks have passed here; "": none."""
    limits, whose, bytes_, limit = state.limits, "", session.input_bytes, state.limits.input_bytes
    option = "max_input_bytes"
    if bytes_ <= limit:
        whose, bytes_, limit, option = (
            " of all clients",
            state.input_bytes,
            limits.all_input_bytes,
            "max_total_input_bytes",
        )
    if bytes_ <= limit:
        return ""
    return (
        f"the results that unfinished tasks{whose} take as arguments need {size_in_words(bytes_)} in the controller, "
        f"and the limit is {size_in_words(limit)} (IPController.{option}). Raise it, pass large results by `push`, "
        "or have tasks read and write files"
    )


def must_stay(use: Use) -> bool:
    """Whether a result that its client has must stay, because tasks need it that have not ended."""
    if use.users:
        use.delivered = True
    return use.users > 0


def use_no_more(state: ControllerState, session: Session, kept: Kept, use: Use) -> None:
    """A result is an argument of no unfinished task any more: it counts as kept for its client again."""
    use.counted = False
    session.input_bytes -= kept.size
    state.input_bytes -= kept.size
    session.kept_bytes += kept.size
    if session.kept_bytes > session.room:
        press(state, session)


def input_goes(state: ControllerState, session: Session, number: int, use: Use) -> None:
    """A result that was an argument is here no more: engines forget it, too."""
    for engine in use.engines or ():
        _forget_input(state, engine, task_id(session.id, number))


def life_of(state: ControllerState, kept: Kept) -> int:
    """Return the life of the engine that made a result, if that goes on; 0: it does not, or no engine made it."""
    engine = kept.engine or state.engines.get(kept.result.engine)
    return engine.life if engine is not None and engine.since <= kept.finished else 0


def inputs_of(task: Task, waits: Prerequisites) -> tuple[tuple[bytes, int, int], ...]:
    """Return the tasks whose results are arguments of `task`, as engines are told."""
    session, inputs = task.session.id, waits.inputs
    if len(inputs) == 1:
        return ((session, inputs[0], inputs[0]),)
    return tuple([(session, first, last) for first, last in ranges_of(inputs)])


def whole_submit(task: Task) -> Submit:
    """Return what a task was submitted as: while it waits, which results it takes is noted elsewhere."""
    submit, waits = task.submit, task.waits
    if submit.awaits is not None or waits is None or not waits.inputs:
        return submit
    return replace(submit, awaits=Awaits(inputs=inputs_of(task, waits)))


def send_inputs(state: ControllerState, task: Task, waits: Prerequisites, engine: Engine) -> None:
    """Send to `engine`, ahead of `task`, those of its arguments that are here and not there."""
    session = task.session
    for number in waits.inputs:
        kept = session.results.get(number)
        if kept is None or is_made_there(kept, engine):
            continue
        id_ = task_id(session.id, number)
        if id_ not in engine.inputs:
            _send_input(state, engine, id_, kept)


def is_made_there(kept: Kept, engine: Engine) -> bool:
    """Whether `engine` has made this result itself, and has not been told that it may forget it."""
    return kept.engine is engine and kept.number in engine.unacknowledged


def _send_input(state: ControllerState, engine: Engine, id_: TaskId, kept: Kept) -> None:
    if kept.use is not None:
        if kept.use.engines is None:
            kept.use.engines = {}
        kept.use.engines[engine] = None
    engine.inputs[id_] = kept.size
    engine.input_bytes += kept.size
    state.send(engine.peer, Input(id_, kept.result.body), kept.body)
    while engine.input_bytes > state.limits.engine_input_bytes and len(engine.inputs) > 1:
        _forget_input(state, engine, next(iter(engine.inputs)))  # tasks that need it are there, and keep it


def _forget_input(state: ControllerState, engine: Engine, id_: TaskId) -> None:
    size = engine.inputs.pop(id_, None)
    if size is not None:
        engine.input_bytes -= size
        state.send(engine.peer, ForgetInputs(one_task(id_)))


def no_inputs_there(engine: Engine) -> None:
    """The connection of `engine` is gone: it is sent all arguments again."""
    engine.inputs.clear()
    engine.input_bytes = 0
