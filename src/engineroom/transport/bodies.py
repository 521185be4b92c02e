"""Payloads on their way: the one place that opens the body of a message, and the one that receives it.

A short payload is its message's body and needs nothing from here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from engineroom.machine.shared_memory.scarce import NO_MEMORY
from engineroom.protocol.messages import (
    INLINE_LIMIT,
    Answer,
    Apart,
    Body,
    Finished,
    Function,
    Input,
    Keep,
    Result,
    Run,
    Submit,
)
from engineroom.protocol.streams import Buffer, Payload
from engineroom.transport.connection import Connection

Carrier = Submit | Keep | Run | Function | Input | Result | Finished | Answer
"""The messages that have a body."""


def carrying(message: Carrier, body: Body) -> Carrier:
    """Return `message` with `body` as its own."""
    if isinstance(message, Submit | Keep | Run):
        return replace(message, call=replace(message.call, body=body))
    return replace(message, body=body)


def send(connection: Connection, message: Carrier, payload: bytes | Payload | Sequence[Buffer]) -> int:
    """Send `message` with `payload`, which may still be arriving: inside it if that is short, else behind it.

    Return the id of the stream; 0: there is none.
    """
    if isinstance(payload, bytes):
        if len(payload) <= INLINE_LIMIT:
            connection.send(carrying(message, payload))
            return 0
        payload = [payload]
    stream = connection.open_stream(payload)
    if connection.thrift is not None and not isinstance(payload, Payload):  # a Payload has come in, and was noted then
        connection.thrift.passed(stream.size)
    connection.send(carrying(message, stream))
    return stream.id


def receive(
    connection: Connection,
    body: Apart,
    *,
    whole: Callable[[Payload], object] | None = None,
    broken: Callable[[str], object] | None = None,
    assemble: bool = True,
    accept: bool = True,
) -> Payload:
    """Return the payload of a message that has just come in; call it within `on_messages` only.

    `whole(payload)` is called once all of it is here, `broken(reason)` if the rest will never come. `assemble`: in
    one writable buffer; else in pieces, to be passed on. `accept`: let it come now; else at `payload.accept()`.
    If there is no memory for it, a payload is returned whose `error` says so, and nothing comes. If that turns out
    later, `whole(payload)` is called with such a one: whoever has it assembled is the one who answers for it.
    """
    if connection.thrift is not None:
        connection.thrift.passed(body.size)
    try:
        payload = connection.receive(body, assemble=assemble, accept=accept)
    except (MemoryError, OSError):
        connection.refuse_stream(body, NO_MEMORY.format(body.size))
        return Payload.failed(body.size, NO_MEMORY.format(body.size))

    def changed() -> None:
        if payload.complete or (payload.no_memory and assemble):
            if whole is not None:
                whole(payload)
        elif payload.error is not None and broken is not None:
            broken(payload.error)

    payload.watch(changed)
    return payload
