"""What a client asks about tasks that are recorded: those of all clients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from engineroom.ids import TASK_BYTES, TaskId, msg_id, parse_msg_id
from engineroom.protocol.history import (
    AskAudit,
    AskHistory,
    AskPurge,
    AskRecords,
    AskStatus,
    Count,
    HistoryQuestion,
    StatusOf,
)
from engineroom.protocol.messages import INLINE_LIMIT
from engineroom.protocol.spans import spans_of, tasks_in
from engineroom.protocol.task_ranges import in_batches

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session

_MOST_ASKED = 4096
"""So many tasks are asked about at once."""

_SLOW = 600.0
"""Seconds: a query may look at millions of tasks."""

Records = list[dict[str, Any]]


def statuses(session: Session, names: Iterable[str]) -> dict[str, str]:
    """Return "pending" or "completed" for each of these tasks, of any client. KeyError: nobody knows one of them."""
    found: dict[TaskId, str] = {}
    tasks = [parse_msg_id(name) for name in names]
    for batch in in_batches(tasks, _MOST_ASKED):
        reply = session.ask(AskStatus(spans_of(batch)), "which tasks have ended", timeout=_SLOW)
        assert isinstance(reply, StatusOf)
        for kind, which in (("pending", reply.pending), ("completed", reply.completed)):
            found |= dict.fromkeys(tasks_in(which), kind)
    for task in tasks:
        if task not in found:
            raise KeyError(
                f"no task {msg_id(task)} is known: it was never submitted to this cluster, or its record was purged or "
                "is beyond the limits of the database (c.IPController.db_class)"
            )
    return {msg_id(task): found[task] for task in tasks}


def find_records(session: Session, query: Any, keys: Any, sort: Any, limit: int | None, skip: int) -> Records:
    """Return the records that match `query`. BadQuery: it, or something else, is not as it must be."""
    from engineroom.store.queries.matching import checked_order, checked_window  # few ask for records
    from engineroom.store.queries.parsing import parse
    from engineroom.store.queries.problems import BadQuery
    from engineroom.store.records import checked_keys

    try:
        query = _aware({} if query is None else query)
    except RecursionError:
        raise BadQuery("it is too deep") from None
    parse(query)
    checked_window(limit, skip)
    order = [f"{'-' if descending else ''}{key}" for key, descending in checked_order(sort)]
    wanted = None if keys is None else tuple(key for key in checked_keys(keys))
    try:
        encoded = msgspec.msgpack.encode(query)
    except (OverflowError, UnicodeEncodeError) as error:
        raise BadQuery(str(error)) from None
    if len(encoded) > INLINE_LIMIT:
        raise ValueError(f"the query is too long: it takes {len(encoded):,} bytes, and {INLINE_LIMIT:,} are possible")
    if limit == 0:
        return []
    question = AskRecords(encoded, wanted, tuple(order), limit or 0, skip)
    records: Records = msgspec.msgpack.decode(_body(session, question, "which tasks match the query"))
    return records


def _aware(value: Any) -> Any:
    """Return a query whose dates have time zones, and whose tuples and sets are lists, as they can be sent."""
    if isinstance(value, dt.datetime):
        return value if value.tzinfo is not None else value.astimezone()
    if isinstance(value, dt.date):  # its first moment, as pandas and SQL have it
        return dt.datetime.combine(value, dt.time()).astimezone()
    if isinstance(value, Mapping):
        return {key: _aware(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_aware(each) for each in value]
    return value


def all_ids(session: Session) -> list[str]:
    """Return the ids of all recorded tasks, in the order of their submission."""
    packed = bytes(_body(session, AskHistory(), "for the ids of all tasks"))
    return [msg_id(TaskId(packed[at : at + TASK_BYTES])) for at in range(0, len(packed), TASK_BYTES)]


def purge_recorded(session: Session, names: Iterable[str], engines: Iterable[int], *, everything: bool) -> int:
    """Have the records of these tasks forgotten, and of all that these engines ran; return how many there were."""
    purged = 0
    questions = [AskPurge(spans_of(batch)) for batch in in_batches(map(parse_msg_id, names), _MOST_ASKED)]
    if everything or engines:
        questions.append(AskPurge((), tuple(engines), everything))
    for question in questions:
        reply = session.ask(question, "whether records were purged", timeout=_SLOW)
        assert isinstance(reply, Count)
        purged += reply.number
    with session.condition:
        session.recorded.forget()
    return purged


def ask_for_audit(session: Session, *, verify: bool) -> dict[str, Any]:
    """Return what the controller finds when it goes through all records."""
    found: dict[str, Any] = msgspec.msgpack.decode(_body(session, AskAudit(verify), "for the audit"))
    return found


def _body(session: Session, question: HistoryQuestion, what: str) -> Any:
    return session.ask_for_bytes(question, what, timeout=_SLOW)[1]
