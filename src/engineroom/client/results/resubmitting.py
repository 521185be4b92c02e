"""Running tasks once more that have ended: their calls come from the records, and are submitted as new tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engineroom.client.results.async_result import AsyncResult
from engineroom.client.results.taken_again import TakenAgain
from engineroom.errors import EngineError, EngineroomError
from engineroom.ids import TaskId, msg_id, parse_msg_id
from engineroom.protocol.history import AskCall, AskFunction, AskRepeated, FunctionBytes, WhatItCalled
from engineroom.protocol.messages import INLINE_LIMIT
from engineroom.protocol.ranges import MOST_LISTED
from engineroom.protocol.task_ranges import in_batches
from engineroom.serialize.functions.large_parts import part_in
from engineroom.serialize.functions.packing import PackedFunction, packed_again

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.engine_table import Engine
    from engineroom.serialize.frames import Buffer

    _Recorded = tuple[WhatItCalled, Engine | None, Buffer]
    """What a task called, the engine that it is to run on, None: any, and its packed arguments."""


def resubmit(session: Session, names: Sequence[str], *, single: bool) -> AsyncResult[Any]:
    """Run these tasks once more; return the AsyncResult of the new ones.

    EngineroomError: one has not ended, is not recorded, or its function, its arguments or the results that it took are
    not kept. EngineError: the engine that it was bound to is gone.
    """
    tasks = [parse_msg_id(name) for name in names]
    calls = [_call(session, task) for task in tasks]
    functions: dict[bytes, PackedFunction] = {}
    taken = TakenAgain(session)
    result: AsyncResult[Any] = AsyncResult(session, "resubmit", count=len(names), single=single)
    try:
        for name, (call, _, packed) in zip(names, calls, strict=True):
            if call.function and call.function not in functions:
                function = functions[call.function] = _function(session, call.function, name)
                taken.look_up(name, function.body)
            taken.look_up(name, packed)
        again = [_submit(session, result, taken, functions, call) for call in calls]
    finally:
        taken.close()
    for before, after in zip(in_batches(tasks, MOST_LISTED), in_batches(again, MOST_LISTED), strict=True):
        session.ask(AskRepeated(before, after), "whether that was noted")
    return result


def _submit(
    session: Session,
    result: AsyncResult[Any],
    taken: TakenAgain,
    functions: dict[bytes, PackedFunction],
    recorded: _Recorded,
) -> TaskId:
    """Submit a call; return its task."""
    call, engine, packed = recorded
    packed = taken.arguments(packed)
    function = functions.get(call.function)
    [task] = session.submit(
        call.kind,
        bytes(packed) if len(packed) <= INLINE_LIMIT else [memoryview(packed)],
        result,
        function=None if function is None else taken.function(function),
        to=None if engine is None else (engine,),
        options=replace(call.options, of_map=None),
    )
    return task.id(session.id)


def _call(session: Session, task: TaskId) -> _Recorded:
    call, packed = session.ask_for_bytes(AskCall(task), f"for the call of task {msg_id(task)}", timeout=600.0)
    assert isinstance(call, WhatItCalled)
    return call, _engine_of(session, task, call), packed


def _engine_of(session: Session, task: TaskId, call: WhatItCalled) -> Engine | None:
    """Return the engine that a direct call runs on: the process that it was bound to, or the one with its id now."""
    if not call.to:
        return None
    engines = session.engines.all()
    found = next((each for each in engines if each.instance == call.to), None)
    found = found or next((each for each in engines if each.id == call.engine), None)
    if found is None:
        where = f"engine {call.engine}" if call.engine >= 0 else "an engine"
        raise EngineError(
            f"task {msg_id(task)} was called on {where}, which is gone. Call the function on an engine that is there"
        )
    return found


def _function(session: Session, digest: bytes, name: str) -> PackedFunction:
    parts, body = _bytes_of(session, digest, name)
    made = (part_in(_bytes_of(session, part, name)[1]) for part in parts or ())
    return packed_again(digest, body, tuple(made))


def _bytes_of(session: Session, digest: bytes, name: str) -> tuple[Sequence[bytes] | None, bytes]:
    try:
        reply, body = session.ask_for_bytes(AskFunction(digest), f"for the function of task {name}", timeout=600.0)
    except EngineroomError as error:
        raise EngineroomError(f"task {name}: {error}") from None
    assert isinstance(reply, FunctionBytes)
    return reply.parts, bytes(body)
