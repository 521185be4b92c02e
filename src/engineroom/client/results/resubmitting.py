"""Running tasks once more that have ended: their calls come from the records, and are submitted as new tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engineroom.client.results.async_result import AsyncResult
from engineroom.errors import EngineError, EngineroomError
from engineroom.ids import TaskId, msg_id, parse_msg_id
from engineroom.protocol.history import AskCall, AskFunction, AskRepeated, FunctionBytes, WhatItCalled
from engineroom.protocol.messages import INLINE_LIMIT
from engineroom.protocol.streams import Payload
from engineroom.serialize.functions.large_parts import IMMUTABLE, Part
from engineroom.serialize.functions.packing import PackedFunction
from engineroom.serialize.futures import names_results

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.engine_table import Engine

_PART_HEAD = 64


def resubmit(session: Session, names: Sequence[str], *, single: bool) -> AsyncResult[Any]:
    """Run these tasks once more; return the AsyncResult of the new ones.

    EngineroomError: one has not ended, is not recorded, or its function or arguments are not kept. EngineError: the
    engine that it was bound to is gone.
    """
    calls = [_call(session, parse_msg_id(name)) for name in names]
    functions: dict[bytes, PackedFunction] = {}
    for name, (call, _, _) in zip(names, calls, strict=True):
        if call.function and call.function not in functions:
            functions[call.function] = _function(session, call.function, name)
    result: AsyncResult[Any] = AsyncResult(session, "resubmit", count=len(names), single=single)
    for name, (call, engine, body) in zip(names, calls, strict=True):
        [task] = session.submit(
            call.kind,
            body,
            result,
            function=functions.get(call.function),
            to=None if engine is None else (engine,),
            options=call.options,
        )
        session.ask(AskRepeated(parse_msg_id(name), task.id(session.id)), "whether that was noted")
    return result


def _call(session: Session, task: TaskId) -> tuple[WhatItCalled, Engine | None, Any]:
    call, body = session.ask_for_bytes(AskCall(task), f"for the call of task {msg_id(task)}", timeout=600.0)
    assert isinstance(call, WhatItCalled)
    packed = body if isinstance(body, bytes) else _assembled(body)
    if names_results(packed):
        raise EngineroomError(
            f"task {msg_id(task)} took results of other tasks as arguments, and these are not recorded with it: "
            "make the call again"
        )
    packed = packed if len(packed) <= INLINE_LIMIT else [memoryview(packed)]
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
    made = []
    for part in parts or ():
        _, packed = _bytes_of(session, part, name)
        content = packed[_PART_HEAD:]
        made.append(Part(memoryview(content if packed[0] == IMMUTABLE else bytearray(content))))
    length = int.from_bytes(body[1:3], "little")
    return PackedFunction(digest, body, body[5 : 5 + length].decode(errors="replace"), tuple(made))


def _bytes_of(session: Session, digest: bytes, name: str) -> tuple[Sequence[bytes] | None, bytes]:
    try:
        reply, body = session.ask_for_bytes(AskFunction(digest), f"for the function of task {name}", timeout=600.0)
    except EngineroomError as error:
        raise EngineroomError(f"task {name}: {error}") from None
    assert isinstance(reply, FunctionBytes)
    return reply.parts, bytes(body if isinstance(body, bytes) else _assembled(body))


def _assembled(body: Payload) -> Any:
    if body.error is not None:
        raise EngineroomError(f"the answer is too large: {body.error}")
    return body.buffer()
