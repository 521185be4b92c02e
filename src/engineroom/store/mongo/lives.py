"""Which lives of clusters have written to a database, and whether each was stopped on purpose: else the next goes on.

Others may use the database at the same time, and nothing there is locked: a life is taken over only if its controller
ran on this machine and has certainly ended.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engineroom.machine.processes import ProcessRecord
from engineroom.store.entry import RUNNING, WAITING
from engineroom.store.interface import LeftBehind
from engineroom.store.mongo.documents import Documents

_OPEN = {"$in": [WAITING, RUNNING]}


class Lives:
    """`life`: ours; `cluster`: tells our cluster, in all its lives, from others."""

    def __init__(self, documents: Documents, life: str, cluster: str) -> None:
        self._lives, self._tasks = documents.lives, documents.tasks
        self._life, self._cluster = life, cluster

    def begin(self) -> LeftBehind | None:
        """Have what earlier lives of our cluster left undone be ours; return when they ended, None: nothing is left."""
        known = self._lives.find_one({"_id": self._life})
        if known is None:
            for each in list(self._lives.find({"cluster": self._cluster})):
                if _process(each).ended:
                    self._take_over(each)
        ours = msgspec.to_builtins(ProcessRecord.of_this_process())
        said = {"cluster": self._cluster, "process": ours, "stopped": (known or {}).get("stopped", 0)}
        self._lives.replace_one({"_id": self._life}, {"_id": self._life, **said}, upsert=True)
        return self._left()

    def _take_over(self, life: dict[str, Any]) -> None:
        undone = {"life": life["_id"], "state": _OPEN, "submitted": {"$gt": life["stopped"]}}
        self._tasks.update_many(undone, {"$set": {"life": self._life}})
        self._lives.delete_one({"_id": life["_id"]})

    def _left(self) -> LeftBehind | None:
        if self._tasks.find_one(self.undone(), {"_id": 1}) is None:
            return None
        latest = self._tasks.find_one({}, {"submitted": 1}, sort=[("submitted", -1)])
        ended = self._tasks.find_one({"completed": {"$ne": None}}, {"completed": 1}, sort=[("completed", -1)])
        times = [latest["submitted"] if latest else 0, ended["completed"] if ended else 0]
        return LeftBehind(max(times) / 1e6)

    def undone(self) -> dict[str, Any]:
        """Return what finds the tasks of this life that are to go on."""
        known = self._lives.find_one({"_id": self._life})
        return {"life": self._life, "state": _OPEN, "submitted": {"$gt": (known or {}).get("stopped", 0)}}

    def stopped(self, at: float) -> None:
        """The cluster was stopped on purpose."""
        self._lives.update_one({"_id": self._life}, {"$set": {"stopped": round(at * 1e6)}})


def _process(life: dict[str, Any]) -> ProcessRecord:
    return msgspec.convert(life["process"], ProcessRecord)
