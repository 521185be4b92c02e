"""Entries as answers to clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.maps import map_of, span_of
from engineroom.core.whole_calls import numbers_of
from engineroom.ids import Instance, TaskId, number_of, session_of
from engineroom.protocol.history import HowItEnded, WhatItCalled
from engineroom.protocol.messages import DEFAULT_OPTIONS, INLINE_LIMIT, Answer, Call, Kind, Options, Submit
from engineroom.protocol.streams import Buffer, Payload
from engineroom.store.entry import Entry
from engineroom.transport import bodies
from engineroom.transport.connection import Connection

if TYPE_CHECKING:
    from engineroom.core.state import ControllerState

NOBODY_KNOWS = (
    "nothing is known of task {0}: it was never submitted here, or its record is gone. Records are kept within the "
    "limits of the database (c.IPController.db_class), and until somebody purges them"
)


def answer_with(connection: Connection, answer: Answer, pieces: list[Buffer]) -> None:
    """Send an answer with these bytes as its body."""
    if sum(map(len, pieces)) <= INLINE_LIMIT:
        bodies.send(connection, answer, b"".join(pieces))
    else:
        bodies.send(connection, answer, Payload.of(pieces))


def answer_end(connection: Connection, number: int, entry: Entry) -> None:
    """Send what a task wrote, and how it ended."""
    for piece in entry.output:
        connection.send(piece)
    answer_with(connection, Answer(number, how_it_ended(entry)), entry.result_buffers())


def how_it_ended(entry: Entry) -> HowItEnded:
    """Return the end of a task that has ended."""
    assert entry.result is not None
    outcome, place = entry.result.outcome, entry.place
    first, last = numbers_of(entry.submit)
    of_map = entry.submit.options.of_map
    if first == last and of_map is not None:
        first, last = span_of(first, of_map)
    return HowItEnded(
        status=int(outcome.status),
        started=outcome.started,
        seconds=outcome.seconds,
        error=outcome.error,
        kind=int(entry.submit.call.kind),
        label=entry.submit.options.label,
        engine=entry.result.engine,
        instance=place.instance,
        host=place.host,
        submitted=entry.submitted,
        received=entry.received,
        shadowed=outcome.shadowed,
        first=first,
        last=last,
        of_map=of_map is not None,
    )


def what_it_called(state: ControllerState, entry: Entry) -> WhatItCalled:
    """Return the call of a task, and which engine it was bound to."""
    submit, to = entry.submit, entry.target or b""
    engine = -1
    if to:
        known, gone = state.instances.get(Instance(to)), state.departed.get(Instance(to))
        engine = known.id if known is not None else gone.id if gone is not None else entry.place.engine
    return WhatItCalled(
        kind=int(submit.call.kind),
        function=submit.call.function,
        options=submit.options,
        to=to,
        engine=engine,
    )


def entry_of_result(state: ControllerState, task: TaskId) -> Entry | None:
    """Return what the core still knows of the end of a task, because its client does not have the result yet."""
    session = state.sessions.get(session_of(task))
    kept = None if session is None else session.results.get(number_of(task))
    if session is None or kept is None:
        return None
    body = kept.body if isinstance(kept.body, Payload) else None
    span = map_of(session, number_of(task))
    options = DEFAULT_OPTIONS if span is None else Options(of_map=(span[0], span[1] - span[0] + 1))
    submit = Submit(task, Call(Kind.APPLY), options=options)
    return Entry(task=task, submit=submit, submitted=0.0, result=kept.result, body=body)
