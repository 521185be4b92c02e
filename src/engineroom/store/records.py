"""Entries as users see them: records, with the keys that IPython.parallel gave them, and a few more.

Each key is read by itself, so that a query costs no more than the keys that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from engineroom.ids import engine_uuid, msg_id, number_of, session_of
from engineroom.protocol.messages import METHODS, Condition, Display, Displays, Output, Result, Status
from engineroom.protocol.spans import listed_ids
from engineroom.store.queries.problems import BadQuery, nearest

if TYPE_CHECKING:  # entries know records
    from engineroom.store.entry import Attempt, Entry


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def date(seconds: float) -> datetime | None:
    """Return a time as users see it, in UTC; None for 0: it has not come, or is unknown."""
    return _EPOCH + timedelta(microseconds=microseconds(seconds)) if seconds else None


def microseconds(when: float | datetime) -> int:
    """Return a time as a whole number: two that are the same for users are the same."""
    return (when - _EPOCH) // _MICROSECOND if isinstance(when, datetime) else round(when * 1e6)


def _started(entry: Entry) -> datetime | None:
    return date(entry.result.outcome.started) if entry.result is not None else None


def _completed(entry: Entry) -> datetime | None:
    return None if entry.result is None else date(completed_at(entry.result, entry.received))


def completed_at(result: Result, received: float) -> float:
    """Return when a task ended; if no engine says so, that is when the controller knew it."""
    outcome = result.outcome
    return outcome.started + outcome.seconds if outcome.started else received


def _engine_uuid(entry: Entry) -> str | None:
    return engine_uuid(entry.place.instance) or None


def _engine_id(entry: Entry) -> int | None:
    engine = entry.place.engine
    return engine if engine >= 0 else None


def _header(entry: Entry) -> dict[str, Any]:
    return {
        "msg_id": entry.msg_id,
        "session": session_of(entry.task).hex(),
        "msg_type": f"{METHODS[int(entry.submit.call.kind)]}_request",
        "date": date(entry.submitted),
    }


def _metadata(entry: Entry) -> dict[str, Any]:
    options, awaits = entry.submit.options, entry.submit.awaits
    terms = options.terms
    return {
        "targets": list(options.engines) if options.engines is not None else engine_uuid(entry.target) or None,
        "after": [] if awaits is None else _ids(awaits.after),
        "follow": [] if awaits is None else _ids(awaits.follow),
        "timeout": awaits.timeout if awaits is not None and awaits.timeout else None,
        "retries": options.retries,
        "priority": options.priority,
        "time_limit": terms.time_limit if terms is not None and terms.time_limit else None,
        "resources": {} if terms is None else dict(terms.resources),
        "tags": [] if terms is None else list(terms.tags),
    }


def _ids(condition: Condition | None) -> list[str]:
    return [] if condition is None else listed_ids(condition.tasks)


def _status(entry: Entry) -> str | None:
    return None if entry.result is None else Status(entry.result.outcome.status).name.lower()


def _result_header(entry: Entry) -> dict[str, Any] | None:
    if entry.result is None:
        return None
    return {
        "parent": entry.msg_id,
        "msg_type": f"{METHODS[int(entry.submit.call.kind)]}_reply",
        "status": _ok(entry),
        "engine": _engine_uuid(entry),
        "date": _completed(entry),
    }


def _result_metadata(entry: Entry) -> dict[str, Any] | None:
    if entry.result is None:
        return None
    return {
        "engine": _engine_uuid(entry),
        "engine_id": _engine_id(entry),
        "host": entry.place.host or None,
        "status": _ok(entry),
        "started": _started(entry),
        "shadowed": [list(names) for names in entry.result.outcome.shadowed],
    }


def _ok(entry: Entry) -> str:
    return {"done": "ok", "aborted": "aborted"}.get(entry.state, "error")


def _result_content(entry: Entry) -> dict[str, Any] | None:
    if entry.result is None:
        return None
    status = _ok(entry)
    if status == "ok":
        return {"status": status}
    name, _, value = entry.result.outcome.error.partition(": ")
    return {"status": status, "ename": name, "evalue": value}


def _text(stream: int) -> Callable[[Entry], str]:
    def text(entry: Entry) -> str:
        pieces = (piece for piece in entry.output if isinstance(piece, Output))
        return "".join(piece.text for piece in pieces if piece.stream == stream)

    return text


def _shown(kind: Displays) -> Callable[[Entry], Any]:
    def shown(entry: Entry) -> Any:
        parts = [piece.content for piece in entry.output if isinstance(piece, Display) and piece.kind == kind]
        try:
            return msgspec.json.decode(b"".join(parts)) if parts else None
        except msgspec.DecodeError:
            return None  # of a large one, parts were left out

    return shown


def _attempt(attempt: Attempt) -> dict[str, Any]:
    place = attempt.place
    return {
        "number": attempt.number,
        "engine_id": place.engine if place.engine >= 0 else None,
        "engine_uuid": engine_uuid(place.instance) or None,
        "host": place.host or None,
        "pid": place.pid or None,
        "sent": date(attempt.sent),
        "cause": attempt.cause or None,
        "lines": list(attempt.lines),
    }


KEYS: Mapping[str, Callable[[Entry], Any]] = {
    "msg_id": lambda entry: entry.msg_id,
    "header": _header,
    "metadata": _metadata,
    "content": lambda _: {},
    "buffers": lambda entry: [bytes(piece) for piece in entry.call_buffers()],
    "submitted": lambda entry: date(entry.submitted),
    "client_uuid": lambda entry: session_of(entry.task).hex(),
    "engine_uuid": _engine_uuid,
    "started": _started,
    "completed": _completed,
    "resubmitted": lambda entry: None if entry.resubmitted is None else msg_id(entry.resubmitted),
    "received": lambda entry: date(entry.received),
    "result_header": _result_header,
    "result_metadata": _result_metadata,
    "result_content": _result_content,
    "result_buffers": lambda entry: [bytes(piece) for piece in entry.result_buffers()],
    "queue": lambda entry: "task" if entry.submit.to is None else "mux",
    "execute_input": lambda _: None,
    "execute_result": _shown(Displays.RESULT),
    "error": _shown(Displays.ERROR),
    "stdout": _text(1),
    "stderr": _text(2),
    "label": lambda entry: entry.submit.options.label or None,
    # These are ours.
    "state": lambda entry: entry.state,
    "status": _status,
    "number": lambda entry: number_of(entry.task),
    "method": lambda entry: METHODS[int(entry.submit.call.kind)],
    "function": lambda entry: entry.function or None,
    "engine_id": _engine_id,
    "host": lambda entry: entry.place.host or None,
    "attempts": lambda entry: [_attempt(each) for each in entry.attempts],
    "delivered": lambda entry: entry.delivered,
}
"""What a record has, by key, and how each is read from an entry."""

PAYLOADS = ("buffers", "result_buffers")
"""What a record has only if it is asked for."""

DATES = frozenset({"submitted", "started", "completed", "received"})
"""Keys whose values are dates."""

_USUAL = tuple(key for key in KEYS if key not in PAYLOADS)


def checked_keys(keys: Iterable[str] | str | None) -> tuple[str, ...]:
    """Return the keys of the records that are asked for, `msg_id` first; BadQuery: there is no such key."""
    if keys is None:
        return _USUAL
    wanted = [keys] if isinstance(keys, str) else list(keys)
    for key in wanted:
        if str(key).partition(".")[0] not in KEYS:
            raise BadQuery(f"a task has no key {key!r}{nearest(str(key), KEYS)}", "keys")
    return tuple(dict.fromkeys(("msg_id", *wanted)))


def record(entry: Entry, keys: Iterable[str] | str | None = None) -> dict[str, Any]:
    """Return the record of `entry`; see `Entry.record`."""
    return projected(entry, checked_keys(keys))


def projected(entry: Entry, keys: Iterable[str]) -> dict[str, Any]:
    """Return a record with `keys`, which have been checked; "header.date" is there as {"header": {"date": ...}}."""
    made: dict[str, Any] = {}
    for key in keys:
        root, *path = key.split(".")
        if not path:
            made[root] = KEYS[root](entry)
            continue
        value = KEYS[root](entry)
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        place = made.setdefault(root, {})
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value
    return made
