"""Changes as SQL: one transaction for a batch, and few statements, each for many rows.

SQLite runs without the interpreter's lock, which every statement gives up and takes again. With a busy event loop
beside it that takes milliseconds, so a row must not be a statement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from zlib import crc32

import msgspec

from engineroom.ids import TaskId
from engineroom.protocol.streams import Buffer
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.changes import (
    Change,
    ClientKnown,
    Delivered,
    Ended,
    Expired,
    HeldFunction,
    Missed,
    Purged,
    Resubmitted,
    Sent,
    Stopped,
    Submitted,
)
from engineroom.store.entry import buffers_of
from engineroom.store.ranges import highest_of
from engineroom.store.rows import CALL, COLUMNS, RESULT, Row, ended_row, new_row, sent_column
from engineroom.store.sqlite.lives import note_life
from engineroom.store.sqlite.schema import SPAN_BITS

_AT_ONCE = (256, 64, 16, 4, 1)
"""So many rows go into one statement; few different numbers, so that SQLite need not parse each statement anew."""

LONGEST_PIECE = 64 << 20
"""A payload is kept in pieces of at most so many bytes."""

_SUBMITTED, _COMPLETED = COLUMNS.index("submitted"), COLUMNS.index("completed")

_MOST_KNOWN = 10_000

_parts = msgspec.msgpack.Encoder().encode


class Writer:
    """Writes changes into one table, within transactions of the caller's."""

    def __init__(self, connection: sqlite3.Connection, number: int, table: str) -> None:
        self._connection, self._number, self._table = connection, number, table
        values = f"({', '.join('?' * len(COLUMNS))})"
        updated = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
        into = f"INSERT INTO {table} ({', '.join(COLUMNS)}) VALUES "
        self._new = {n: f"{into}{', '.join([values] * n)} ON CONFLICT DO NOTHING" for n in _AT_ONCE}
        self._ended = {
            n: f"{into}{', '.join([values] * n)} ON CONFLICT DO UPDATE SET {updated}, sent = NULL" for n in _AT_ONCE
        }
        self._has_call: dict[bytes, None] = {}
        """Owners of long payloads that are there, the last ones."""

    def write(self, changes: Sequence[Change]) -> int:
        """Apply `changes`; return how many rows that may have added."""
        ended = {change.task: change for change in changes if type(change) is Ended}
        new = {change.task: change for change in changes if type(change) is Submitted and change.task not in ended}
        others = [change for change in changes if type(change) is not Ended and type(change) is not Submitted]
        if new:
            self._rows(self._new, [new_row(each) for each in new.values()])
        if ended:
            rows = [ended_row(each) for each in ended.values()]
            self._rows(self._ended, rows)
            self._note_spans(rows)
        about: list[Submitted | Ended] = [*new.values(), *ended.values()]
        for change in [each for each in about if each.call is not None]:
            self._call(change)
        for end in [each for each in ended.values() if each.body is not None]:
            self._result(end)
        self._note_highest((*new, *ended))
        sent = {change.task: change for change in changes if type(change) is Sent and change.task not in ended}
        self._sent(list(sent.values()))
        for other in others:
            self._other(other)
        return len(new) + len(ended)

    def _rows(self, statements: dict[int, str], every: Sequence[Row]) -> None:
        at = 0
        for count in _AT_ONCE:
            while len(every) - at >= count:
                self._connection.execute(statements[count], list(chain.from_iterable(every[at : at + count])))
                at += count

    def _note_spans(self, rows: Sequence[Row]) -> None:
        """Note between which times tasks that were submitted at about the same time have ended."""
        ends: dict[int, list[int]] = {}
        for row in rows:  # one for each task
            if (completed := row[_COMPLETED]) is not None:
                span = row[_SUBMITTED] >> SPAN_BITS
                if span in ends:
                    ends[span].append(completed)
                else:
                    ends[span] = [completed]
        spans = {span: (min(times), max(times)) for span, times in ends.items()}
        self._connection.executemany(
            "INSERT INTO engineroom_spans VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)",
            [(self._number, span, *times) for span, times in spans.items()],
        )

    def _sent(self, sent: Sequence[Sent]) -> None:
        at = 0
        for count in _AT_ONCE[1:]:  # each of them is looked for among all of a statement
            while len(sent) - at >= count:
                told = [
                    value
                    for each in sent[at : at + count]
                    for value in (each.task, each.place.engine, sent_column(each))
                ]
                self._connection.execute(
                    f"WITH told (task, engine, sent) AS (VALUES {', '.join(['(?, ?, ?)'] * count)}) "
                    f"UPDATE {self._table} SET state = 'running', "
                    f"engine = (SELECT engine FROM told WHERE told.task = {self._table}.task), "
                    f"sent = (SELECT sent FROM told WHERE told.task = {self._table}.task) "
                    "WHERE task IN (SELECT task FROM told) AND state IN ('waiting', 'running')",
                    told,
                )
                at += count

    def _call(self, change: Submitted | Ended) -> None:
        owner = change.submit.task
        if change.call is None or owner in self._has_call:
            return
        found = self._connection.execute(
            "SELECT 1 FROM engineroom_bodies WHERE owner_table = ? AND task = ? AND side = ?",
            (self._number, owner, CALL),
        )
        if found.fetchone() is None:
            self._body(owner, CALL, change.call.pieces)
        self._has_call[owner] = None
        if len(self._has_call) > _MOST_KNOWN:
            del self._has_call[next(iter(self._has_call))]

    def _result(self, end: Ended) -> None:
        if end.body is not None:
            self._body(end.task, RESULT, end.body.pieces)

    def forget_call(self, owner: bytes) -> None:
        """The payload under `owner` is not there any more."""
        self._has_call.pop(owner, None)

    def _body(self, task: bytes, side: int, pieces: Sequence[Buffer]) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO engineroom_bodies VALUES (?, ?, ?, ?, ?, ?)",
            ((self._number, task, side, n, crc32(piece), piece) for n, piece in enumerate(_cut(pieces))),
        )

    def _note_highest(self, tasks: Iterable[TaskId]) -> None:
        self._connection.executemany(
            "INSERT INTO engineroom_sessions VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET highest = max(highest, excluded.highest)",
            [(self._number, session, number) for session, number in highest_of(tasks).items()],
        )

    def _other(self, change: Change) -> None:
        match change:
            case Delivered() | Expired():
                self.note("delivered" if type(change) is Delivered else "expired", change.tasks, change.at)
            case Missed():
                self.note(change.kind, change.tasks, change.at, change.why)
            case Resubmitted():
                self._connection.execute(
                    "INSERT OR REPLACE INTO engineroom_again VALUES (?, ?, ?)",
                    (self._number, change.task, change.again),
                )
            case HeldFunction(function, body):
                data = b"".join(buffers_of(function.body, body))
                self._connection.execute(
                    "INSERT OR IGNORE INTO engineroom_functions (owner_table, hash, parts, checksum, data, name) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (self._number, function.hash, _parts(function.parts), crc32(data), data, function.name),
                )
            case ClientKnown() | Stopped():
                note_life(self._connection, self._number, change)
            case Submitted() | Ended() | Sent() | Purged():
                pass  # `write` has taken them; whoever calls that purges

    def note(self, kind: str, tasks: TaskRanges, at: float = 0.0, why: str = "") -> None:
        """Note what became of `tasks`, together with what is known of their neighbours."""
        for first, last in tasks.ranges:
            self._note(kind, tasks.session, first, last, at, why)

    def _note(self, kind: str, session: bytes, first: int, last: int, at: float, why: str) -> None:
        key = (self._number, kind, session)
        touched = self._connection.execute(
            "SELECT first, last FROM engineroom_ranges WHERE owner_table = ? AND kind = ? AND session = ? "
            "AND last >= ? AND first <= ?",
            (*key, first - 1, last + 1),
        ).fetchall()
        for _, end in touched:
            self._connection.execute(
                "DELETE FROM engineroom_ranges WHERE owner_table = ? AND kind = ? AND session = ? AND last = ?",
                (*key, end),
            )
        first = min([first, *(start for start, _ in touched)])
        last = max([last, *(end for _, end in touched)])
        self._connection.execute(
            "INSERT INTO engineroom_ranges VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, last, first, at, why)
        )


def _cut(pieces: Sequence[Buffer]) -> Iterator[Buffer]:
    for piece in pieces:
        view = memoryview(piece).cast("B")
        for at in range(0, len(view), LONGEST_PIECE):
            yield view[at : at + LONGEST_PIECE]
