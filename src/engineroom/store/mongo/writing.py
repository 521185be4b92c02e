"""Changes as operations of MongoDB. Each may be done twice: a batch that fails in the middle is said again."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import Any

from engineroom.ids import TaskId
from engineroom.protocol.task_ranges import TaskRanges, in_batches
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
from engineroom.store.entry import ABORTED, DONE, FAILED, RUNNING, WAITING, buffers_of
from engineroom.store.mongo.documents import FUNCTION, Documents, as_text, document_of, task_of
from engineroom.store.ranges import TaskSet, highest_of
from engineroom.store.rows import CALL, RESULT, about_client, ended_row, new_row, sent_column

_ENDED: dict[str, Any] = {"state": {"$in": [DONE, FAILED, ABORTED]}}
_OPEN: dict[str, Any] = {"state": {"$in": [WAITING, RUNNING]}}
_AT_ONCE = 500


class MongoWriter:
    """Writes changes. `life`: which life of a cluster they are of."""

    def __init__(self, documents: Documents, life: str) -> None:
        self._documents, self._life = documents, life

    def write(self, changes: Sequence[Change]) -> int:
        """Apply `changes`; return how many tasks they are about."""
        from pymongo import ReplaceOne, UpdateOne  # it is here if the store is open

        ended = {change.task: change for change in changes if type(change) is Ended}
        new = {change.task: change for change in changes if type(change) is Submitted and change.task not in ended}
        about: list[Submitted | Ended] = [*new.values(), *ended.values()]
        for each in about:
            self._payloads(each)
        operations: list[Any] = []
        for submission in new.values():
            document = document_of(new_row(submission), self._life)
            operations.append(UpdateOne({"_id": submission.task.hex()}, {"$setOnInsert": _rest(document)}, upsert=True))
        for end in ended.values():
            document = document_of(ended_row(end), self._life)
            operations.append(ReplaceOne({"_id": end.task.hex()}, document, upsert=True))
        for change in changes:
            if type(change) is Sent and change.task not in ended:
                said = {"state": RUNNING, "engine": change.place.engine, "sent": sent_column(change)}
                operations.append(UpdateOne({"_id": change.task.hex(), **_OPEN}, {"$set": as_text(said)}))
        if operations:
            self._documents.tasks.bulk_write(operations)
        self._note_highest((*new, *ended))
        for change in changes:
            self._other(change)
        return len(new) + len(ended)

    def _payloads(self, change: Submitted | Ended) -> None:
        owner = change.submit.task
        its = {"task": owner.hex(), "side": CALL}
        if change.call is not None and self._documents.bodies.find_one(its, {"_id": 1}) is None:
            self._documents.put_pieces(owner, CALL, change.call.pieces)
        if isinstance(change, Ended) and change.body is not None:
            self._documents.put_pieces(change.task, RESULT, change.body.pieces)

    def _note_highest(self, tasks: Iterable[TaskId]) -> None:
        for session, number in highest_of(tasks).items():
            self._documents.sessions.update_one({"_id": session.hex()}, {"$max": {"highest": number}}, upsert=True)

    def _other(self, change: Change) -> None:
        documents = self._documents
        match change:
            case Delivered(tasks, at) | Expired(tasks, at):
                self.note("delivered" if type(change) is Delivered else "expired", tasks, at)
            case Missed(tasks, at, why):
                self.note(change.kind, tasks, at, why)
            case Purged(tasks, at):
                self._purge(tasks, at)
            case Resubmitted(task, again):
                documents.again.replace_one({"_id": task.hex()}, {"_id": task.hex(), "again": again.hex()}, upsert=True)
            case HeldFunction(function, body):
                documents.put_pieces(function.hash, FUNCTION, buffers_of(function.body, body))
                parts = None if function.parts is None else [part.hex() for part in function.parts]
                document = {"_id": function.hash.hex(), "parts": parts, "name": function.name}
                documents.functions.replace_one({"_id": function.hash.hex()}, document, upsert=True)
            case ClientKnown(session):
                about = b64encode(about_client(change)).decode()
                documents.sessions.update_one({"_id": session.hex()}, {"$set": {"about": about}}, upsert=True)
            case Submitted() | Ended() | Sent() | Stopped():
                pass  # `write` has taken them, or the store does

    def note(self, kind: str, tasks: TaskRanges, at: float = 0.0, why: str = "") -> None:
        """Note what became of `tasks`, together with what is known of their neighbours."""
        ranges, session = self._documents.ranges_, tasks.session.hex()
        for first, last in tasks.ranges:
            near = {"kind": kind, "session": session, "last": {"$gte": first - 1}, "first": {"$lte": last + 1}}
            touched = list(ranges.find(near))
            whole = {
                "kind": kind,
                "session": session,
                "first": min([first, *(each["first"] for each in touched)]),
                "last": max([last, *(each["last"] for each in touched)]),
                "at": at,
                "why": why,
            }
            ranges.insert_one(whole)
            for each in touched:
                ranges.delete_one({"_id": each["_id"]})

    def _purge(self, tasks: TaskRanges, at: float) -> None:
        for first, last in tasks.ranges:
            low, high = ((tasks.session + min(number, 2**63).to_bytes(8)).hex() for number in (first, last))
            found = self._documents.tasks.find({"_id": {"$gte": low, "$lte": high}, **_ENDED}, {"_id": 1})
            self._remove([task_of(each) for each in found], "purged", at)

    def keep_within(self, records: int, age: float) -> None:
        """Remove the oldest tasks that have ended, if there are too many."""
        tasks = self._documents.tasks
        if age:
            before = round((time.time() - age) * 1e6)
            found = tasks.find({**_ENDED, "completed": {"$lt": before}}, {"_id": 1})
            self._remove([task_of(each) for each in found], "retired", time.time())
        over = int(tasks.count_documents(_ENDED)) - records if records else 0
        if over > 0:
            found = tasks.find(_ENDED, {"_id": 1}, sort=[("submitted", 1), ("_id", 1)], limit=over)
            self._remove([task_of(each) for each in found], "retired", time.time())

    def _remove(self, tasks: list[TaskId], kind: str, at: float) -> None:
        documents, gone = self._documents, TaskSet()
        gone.add(tasks)
        for some in in_batches(tasks, _AT_ONCE):
            which = {"$in": [task.hex() for task in some]}
            owners = {each["owner"] for each in documents.tasks.find({"_id": which}, {"owner": 1}) if each["owner"]}
            documents.tasks.delete_many({"_id": which})
            documents.bodies.delete_many({"task": which, "side": RESULT})
            documents.again.delete_many({"_id": which})
            for owner in owners:
                if documents.tasks.find_one({"owner": owner}, {"_id": 1}) is None:
                    documents.bodies.delete_many({"task": b64decode(owner).hex(), "side": CALL})
        for ranges in gone.ranges():
            self.note(kind, ranges, at)


def _rest(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "_id"}
