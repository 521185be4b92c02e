"""Tasks as documents of MongoDB, and entries made of them again."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zlib import crc32

from engineroom.ids import TaskId, msg_id
from engineroom.protocol.messages import Function
from engineroom.protocol.streams import Buffer
from engineroom.protocol.task_ranges import TaskRanges, in_batches
from engineroom.store.changes import ClientKnown
from engineroom.store.entry import Bytes, Entry
from engineroom.store.interface import Absence, Damage
from engineroom.store.rows import COLUMNS, Row, StoredBytes, client_of, damage_of, entry_of

FUNCTION = 2
"""Beside rows.SIDES: whose bytes a payload is."""

_AT_ONCE = 500
_FUNCTION = COLUMNS.index("function")

LONGEST_PIECE = 8 << 20
"""No document is longer than 16 MiB."""


_BINARY = ("function", "owner", "head", "sent")
"""Kept as text, as ids are: of other servers that speak MongoDB's language, not all take bytes in every place."""


def document_of(row: Row, life: str) -> dict[str, Any]:
    """Return the document of a row; `msg_id` is for people who look at it with other programs."""
    task = TaskId(row[0])
    fields = {**dict(zip(COLUMNS[1:], row[1:], strict=True)), "sent": None}
    return {"_id": task.hex(), "msg_id": msg_id(task), "life": life, **as_text(fields)}


def as_text(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a document, with bytes as text."""
    told = {name: b64encode(fields[name]).decode() for name in _BINARY if fields.get(name) is not None}
    return {**fields, **told}


def row_of(document: dict[str, Any]) -> Row:
    """Return the row that a document was made of, with `sent` behind it."""
    told = {name: b64decode(document[name]) for name in _BINARY if document.get(name) is not None}
    fields = {**document, **told}
    return (task_of(document), *(fields.get(name) for name in COLUMNS[1:]), fields.get("sent"))


def task_of(document: dict[str, Any], name: str = "_id") -> TaskId:
    """Return the task that a document is about."""
    return TaskId(bytes.fromhex(document[name]))


class Documents:
    """The collections of one database."""

    def __init__(self, database: Any, delivered: Callable[[TaskId], bool]) -> None:
        self.tasks = database["engineroom_tasks"]
        self.bodies = database["engineroom_bodies"]
        self.ranges_ = database["engineroom_ranges"]
        self.sessions = database["engineroom_sessions"]
        self.again = database["engineroom_again"]
        self.functions = database["engineroom_functions"]
        self.lives = database["engineroom_lives"]
        self._delivered = delivered

    def make_indices(self) -> None:
        for fields in (("submitted",), ("state", "submitted"), ("state", "completed"), ("owner",)):
            self.tasks.create_index([(field, 1) for field in fields])
        self.bodies.create_index([("task", 1), ("side", 1), ("piece", 1)])
        self.ranges_.create_index([("kind", 1), ("session", 1), ("last", 1)])

    def entries(
        self,
        wanted: dict[str, Any],
        sort: Any,
        limit: int | None,
        damaged: Callable[[Damage], object] | None = None,
    ) -> Iterator[Entry]:
        """Yield the entries of the documents that are `wanted`. `damaged`: called for those that were changed."""
        for documents in in_batches(self.tasks.find(wanted, sort=sort, limit=limit or 0), _AT_ONCE):
            which = {"_id": {"$in": [document["_id"] for document in documents]}}
            again = {task_of(each): task_of(each, "again") for each in self.again.find(which)}
            rows = [row_of(each) for each in documents]
            names = self._names_of({row[_FUNCTION] for row in rows})
            for row in rows:
                if damaged is not None and (words := damage_of(row)):
                    damaged(Damage(msg_id(TaskId(row[0])), words))
                    continue
                entry = entry_of(row, self._payload)
                if entry is None:
                    continue
                entry.resubmitted = again.get(entry.task)
                entry.delivered = self._delivered(entry.task)
                entry.function = names.get(row[_FUNCTION], "")
                yield entry

    def _names_of(self, functions: set[bytes]) -> dict[bytes, str]:
        which = {"_id": {"$in": [each.hex() for each in functions if each]}}
        found = self.functions.find(which, {"name": 1})
        return {bytes.fromhex(each["_id"]): each.get("name", "") for each in found}

    def ids(self) -> Iterator[TaskId]:
        """Yield the ids of all tasks, as they were submitted."""
        for document in self.tasks.find({}, {"_id": 1}, sort=[("submitted", 1), ("_id", 1)]):
            yield task_of(document)

    def _payload(self, task: TaskId, side: int, size: int) -> Bytes:
        return StoredBytes(size, lambda: self.pieces(task, side))

    def pieces(self, of: bytes, side: int) -> list[Buffer]:
        found = self.bodies.find({"task": of.hex(), "side": side}, sort=[("piece", 1)])
        return [bytes(document["data"]) for document in found]

    def put_pieces(self, of: bytes, side: int, pieces: Sequence[Buffer]) -> None:
        """Keep a payload."""
        documents: list[dict[str, Any]] = []
        for piece in pieces:
            view = memoryview(piece).cast("B")
            for at in range(0, len(view), LONGEST_PIECE):
                data = bytes(view[at : at + LONGEST_PIECE])
                its = {"task": of.hex(), "side": side, "piece": len(documents)}
                name = f"{of.hex()}:{side}:{len(documents)}"
                documents.append({"_id": name, **its, "checksum": crc32(data), "data": data})
        self.bodies.delete_many({"task": of.hex(), "side": side})
        for document in documents:  # each may be almost as long as a message
            self.bodies.insert_one(document)

    def function(self, digest: bytes) -> tuple[Function, list[Buffer]] | None:
        found = self.functions.find_one({"_id": digest.hex()})
        if found is None:
            return None
        parts = None if found["parts"] is None else tuple(bytes.fromhex(part) for part in found["parts"])
        return Function(digest, b"", parts, name=found.get("name", "")), self.pieces(digest, FUNCTION)

    def ranges(self, kind: str) -> Iterator[Absence]:
        """Yield what is noted of tasks."""
        for found in self.ranges_.find({"kind": kind}):
            tasks = TaskRanges(bytes.fromhex(found["session"]), ((found["first"], found["last"]),))
            yield Absence(kind, tasks, found["at"], found["why"])

    def known_up_to(self) -> dict[bytes, int]:
        return {bytes.fromhex(found["_id"]): found.get("highest", 0) for found in self.sessions.find({})}

    def clients(self) -> dict[bytes, ClientKnown]:
        found = self.sessions.find({"about": {"$exists": True}})
        return {(session := bytes.fromhex(each["_id"])): client_of(session, b64decode(each["about"])) for each in found}

    def count(self) -> int:
        return int(self.tasks.count_documents({}))

    def damages(self) -> Iterator[Damage]:
        """Yield the documents and payloads that were changed since they were written."""
        for document in self.tasks.find({}):
            if words := damage_of(row_of(document)):
                yield Damage(msg_id(task_of(document)), words)
        for body in self.bodies.find({"side": {"$lt": FUNCTION}}):
            if crc32(bytes(body["data"])) != body["checksum"]:
                what = ("call", "result")[body["side"]]
                yield Damage(msg_id(task_of(body, "task")), f"the payload of its {what} does not match its checksum")
