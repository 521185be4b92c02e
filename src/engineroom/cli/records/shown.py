"""Records of tasks as people and programs read them: a table, all of one task, JSON lines, CSV."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from engineroom.client.results.attempts_told import attempts_told
from engineroom.machine.columns import in_columns

KEYS = (
    "msg_id",
    "state",
    "submitted",
    "started",
    "completed",
    "engine_id",
    "host",
    "method",
    "function",
    "label",
    "result_content",
)
"""What a list needs of each task."""

_COLUMNS = ("ID", "STATE", "SUBMITTED", "TOOK", "ENGINE", "HOST", "CALL", "LABEL", "ERROR")
_ERROR = 60

Record = dict[str, Any]


def as_table(records: Iterable[Record]) -> list[str]:
    """Return the lines of a table."""
    return in_columns([_COLUMNS, *map(_row, records)])


def _row(record: Record) -> tuple[str, ...]:
    engine = record["engine_id"]
    return (
        record["msg_id"],
        record["state"],
        _when(record["submitted"]),
        _took(record),
        "" if engine is None else str(engine),
        record["host"] or "",
        _called(record),
        _one_line(record["label"] or ""),
        _one_line(error_of(record))[:_ERROR],
    )


def _called(record: Record) -> str:
    """Return the name of the function, or what was done instead of a call: "execute", "push"."""
    return str(record["function"] or record["method"])


def error_of(record: Record) -> str:
    """Return "Name: text" of a task that failed, else ""."""
    content = record["result_content"] or {}
    if content.get("status", "ok") == "ok":
        return ""
    return ": ".join(filter(None, (content.get("ename"), content.get("evalue"))))


def _when(date: dt.datetime | None) -> str:
    return "" if date is None else date.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _took(record: Record) -> str:
    started, completed = record["started"], record["completed"]
    return f"{(completed - started).total_seconds():.3f} s" if started and completed else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def whole(record: Record, traceback: str) -> Iterator[str]:
    """Yield the lines that show all of one task; `traceback`: that of its error."""
    yield f"task {record['msg_id']}: {record['state']}" + (
        "" if record["delivered"] else ", not received by its client"
    )
    for name, value in (
        ("call", _called(record)),
        ("label", record["label"]),
        ("submitted", _when(record["submitted"])),
        ("started", _when(record["started"])),
        ("completed", _when(record["completed"])),
        ("took", _took(record)),
        ("run again as", record["resubmitted"]),
    ):
        if value:
            yield f"  {name}: {value}"
    for words in attempts_told(record["attempts"]):
        yield f"  {words}"
    for name in ("stdout", "stderr"):
        if record[name]:
            yield f"{name}:"
            yield record[name].rstrip("\n")
    if traceback or error_of(record):
        yield "error:"
        yield traceback or error_of(record)


def json_lines(records: Iterable[Record]) -> Iterator[str]:
    """Yield one line of JSON for each record."""
    return (json.dumps(record, default=_as_text) for record in records)


def write_csv(records: Iterable[Record]) -> None:
    """Write the records to stdout."""
    writer = csv.writer(sys.stdout)
    writer.writerow([*KEYS[:-1], "error"])
    for record in records:
        writer.writerow([*(_as_cell(record[key]) for key in KEYS[:-1]), error_of(record)])


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.datetime) else repr(value)


def _as_cell(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else value
