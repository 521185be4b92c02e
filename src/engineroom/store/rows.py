"""Rows: tasks as databases keep them, and entries made of them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import msgspec

from engineroom.ids import SessionId, TaskId, number_of
from engineroom.protocol.messages import Display, Output, Result, Submit, Who
from engineroom.protocol.streams import Buffer
from engineroom.store.changes import ClientKnown, Ended, Sent, Submitted
from engineroom.store.entry import Attempt, Bytes, Entry, Running, state_of, target_of
from engineroom.store.records import microseconds

COLUMNS = (
    "task",
    "state",
    "status",
    "submitted",
    "started",
    "completed",
    "engine",
    "label",
    "function",
    "owner",
    "checksum",
    "head",
)
"""What a row has, in this order; times are microseconds since 1970. `owner`: the task under which a long
payload of the call is kept; `head`: everything else, see Head. Behind them, `sent`: the attempt that runs."""

CALL, RESULT = SIDES = (0, 1)
"""Which payload of a task one is."""


class Head(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a row keeps of a task. The times of its columns are in here as they were."""

    submit: Submit
    submitted: float
    result: Result | None = None
    received: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    output: tuple[Output | Display, ...] = ()
    call_size: int = 0
    body_size: int = 0


class StoredBytes:
    """A long payload in the file, read when it is asked for."""

    __slots__ = ("_read", "size")

    def __init__(self, size: int, read: Callable[[], Sequence[Buffer]]) -> None:
        self.size, self._read = size, read

    @property
    def pieces(self) -> Sequence[Buffer]:
        return self._read()


_encode = msgspec.msgpack.Encoder().encode
_decode_head = msgspec.msgpack.Decoder(Head).decode
_decode_client = msgspec.msgpack.Decoder(tuple[Who, bool]).decode
_decode_running = msgspec.msgpack.Decoder(Running).decode

Row = tuple[Any, ...]


def new_row(change: Submitted) -> Row:
    """Return the row of a task that has come."""
    submit, owner = own_part(change)
    head = _encode(Head(submit, change.submitted, call_size=0 if change.call is None else change.call.size))
    label, at = submit.options.label or None, microseconds(change.submitted)
    call = submit.call
    return (change.task, "waiting", None, at, None, None, None, label, call.function, owner, crc32(head), head)


def ended_row(change: Ended) -> Row:
    """Return the row of a task that has ended."""
    submit, owner = own_part(change)
    result = change.result
    if not result.task:  # many ended alike
        result = msgspec.structs.replace(result, task=change.task)
    attempts = change.attempts()
    head = _encode(
        Head(
            submit,
            change.submitted,
            result,
            change.received,
            attempts,
            change.output,
            0 if change.call is None else change.call.size,
            0 if change.body is None else change.body.size,
        )
    )
    outcome, engine = result.outcome, attempts[-1].place.engine if attempts else result.engine
    started = outcome.started
    completed = started + outcome.seconds if started else change.received  # as `completed_at`: it is made for each task
    return (
        change.task,
        state_of(result),
        int(outcome.status),
        round(change.submitted * 1e6),
        round(started * 1e6) or None,
        round(completed * 1e6) or None,
        engine if engine >= 0 else None,
        submit.options.label or None,
        submit.call.function,
        owner,
        crc32(head),
        head,
    )


def own_part(change: Submitted | Ended) -> tuple[Submit, bytes | None]:
    """Return what a call to several engines says of one task, and the task under which its long payload is kept."""
    submit, to = change.submit, change.submit.to
    owner = None if change.call is None else submit.task
    if to is not None and len(to) > 16:
        its = target_of(to, number_of(change.task) - number_of(submit.task))
        submit = msgspec.structs.replace(submit, task=change.task, to=its)
    return submit, owner


def sent_column(change: Sent) -> bytes:
    """Return the attempt that runs, as it is kept until the task ends."""
    return _encode(change.running())


def entry_of(row: Row, payload: Callable[[TaskId, int, int], Bytes]) -> Entry | None:
    """Return the entry that a row, with `sent` behind COLUMNS, is of; None: it can't be read. See `damage_of`.

    `payload(task, side, size)` returns a long payload.
    """
    task, owner, sent = TaskId(row[0]), row[9], row[12]
    try:
        head = _decode_head(row[11])
        attempts = head.attempts if head.result is not None or sent is None else _decode_running(sent).every
    except (msgspec.MsgspecError, TypeError):
        return None
    return Entry(
        task=task,
        submit=head.submit,
        call=None if owner is None else payload(TaskId(owner), CALL, head.call_size),
        submitted=head.submitted,
        attempts=attempts,
        result=head.result,
        body=payload(task, RESULT, head.body_size) if head.body_size else None,
        received=head.received,
        output=head.output,
    )


def about_client(client: ClientKnown) -> bytes:
    """Return what is kept of a client."""
    return _encode((client.who, client.withdraw))


def client_of(session: bytes, about: bytes) -> ClientKnown:
    """Return what was kept of a client."""
    who, withdraw = _decode_client(about)
    return ClientKnown(SessionId(session), who, withdraw)


def damage_of(row: Row) -> str:
    """Return what shows that a row was changed since it was written, in words; "": nothing does."""
    try:
        if crc32(row[11]) != row[10]:
            return "its contents do not match their checksum"
        head = _decode_head(row[11])
    except (msgspec.MsgspecError, TypeError) as error:
        return f"its contents can't be read: {error}"
    task = TaskId(row[0])
    if head.result is None:
        again = new_row(Submitted(task, head.submit, head.submitted))
    else:
        again = ended_row(
            Ended(
                task,
                head.submit,
                head.submitted,
                head.result,
                head.received,
                earlier=head.attempts,
            )
        )
    wrong = [name for name, found, said in zip(COLUMNS, row, again, strict=False) if _differs(name, found, said, head)]
    return f"{', '.join(wrong)} does not match its contents" if wrong else ""


def _differs(name: str, found: Any, said: Any, head: Head) -> bool:
    if name in {"checksum", "head", "owner"}:
        return False
    if head.result is None and name in {"state", "engine"}:
        return name == "state" and found not in {"waiting", "running"}
    return bool(found != said)
