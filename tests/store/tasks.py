"""Tasks for the tests of stores: made, sent, ended as a controller would tell of it."""

from __future__ import annotations

from typing import Any

from engineroom.ids import SessionId, TaskId, task_id
from engineroom.protocol.messages import (
    Awaits,
    Call,
    Condition,
    Display,
    Displays,
    Kind,
    Options,
    Outcome,
    Output,
    Result,
    Status,
    Stream,
    Submit,
    Terms,
)
from engineroom.protocol.streams import Payload
from engineroom.protocol.task_ranges import TaskRanges, ranges_of
from engineroom.store.changes import Delivered, Ended, Purged, Submitted
from engineroom.store.entry import Place

ALICE, BOB = SessionId(b"alice" + bytes(11)), SessionId(b"bob" + bytes(13))
THEN = 1_700_000_000.0
"""When the first task was submitted."""

PLACES = [Place(n, bytes([n]) * 16, f"host{n % 2}", 1000 + n) for n in range(4)]


def submitted(number: int, session: SessionId = ALICE, *, payload: bytes = b"call", **how: Any) -> Submitted:
    """Return that a task has come; `how`: `direct`, `at`, `kind`, and options."""
    at = how.pop("at", THEN + number)
    to = PLACES[how.pop("direct")].instance if "direct" in how else None
    kind = how.pop("kind", Kind.APPLY)
    task = task_id(session, number)
    options, awaits = Options(**how), None
    if number == 3:
        options = Options(terms=Terms(time_limit=3.5, resources=(("gpu", 1.0),), tags=("big",)), **how)
        awaits = Awaits(after=Condition(((session, 1, 2),)))
    call, body = _carried(payload)
    submit = Submit(task, Call(int(kind), b"f" * 16, call), to, options, awaits)
    return Submitted(task, submit, at, body, len(payload))


def ended(of: Submitted, status: Status = Status.OK, *, engine: int = 0, value: bytes = b"value", **how: Any) -> Ended:
    """Return that the task has ended; `how`: `took`, `words`, `output`, `earlier`."""
    began, took = of.submitted + 0.25, how.pop("took", 0.5)
    outcome = Outcome(status, began, took, how.pop("words", ""))
    result, body = _carried(value)
    return Ended(
        of.task,
        of.submit,
        of.submitted,
        Result(of.task, engine, outcome, result),
        began + took + 0.125,
        attempt=1 + len(how.get("earlier", ())),
        place=PLACES[engine],
        sent=of.submitted + 0.125,
        call=of.call,
        body=body,
        size=of.size + len(value),
        **how,
    )


def _carried(payload: bytes) -> tuple[bytes | Stream, Payload | None]:
    if len(payload) <= 4096:
        return payload, None
    middle = len(payload) // 2
    return Stream(1, len(payload)), Payload.of([payload[:middle], payload[middle:]])


def printed(task: TaskId, text: str, *, stream: int = 1, seq: int = 0) -> Output:
    return Output(task, 1, stream, seq, text)


def shown(task: TaskId, content: bytes, *, kind: Displays = Displays.RESULT, seq: int = 0) -> Display:
    return Display(task, 1, kind, seq, content)


def delivered(*of: Submitted) -> list[Delivered]:
    return [Delivered(_ranges(each), THEN) for each in of]


def purged(*of: Submitted) -> list[Purged]:
    return [Purged(_ranges(each), THEN) for each in of]


def _ranges(of: Submitted) -> TaskRanges:
    number = int.from_bytes(of.task[16:])
    return TaskRanges(of.task[:16], tuple(ranges_of([number])))
