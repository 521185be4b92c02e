"""`pid/jobs-ID.json`: the jobs of a cluster, on disk as soon as they have an id, so that anybody can cancel them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from engineroom.protocol.connection_files import write_private
from engineroom.settings.profiles import Profile


class JobRecord(msgspec.Struct, kw_only=True, frozen=True):
    """One job. `system`: the batch system's name; `job`: "" while it is being submitted; `tag`: what marks it in the
    system, "" if nothing does; `role`: controller or engine; `cancel`: the command that takes ids, as configured;
    `host`: instance of the host that had it submitted, in hex."""

    system: str
    role: str
    job: str = ""
    tag: str = ""
    cancel: list[str] = []
    submitted: float = 0.0
    host: str = ""


class JobRecords:
    """The records of one cluster. Only its host writes; others read once the host is gone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of(cls, profile: Profile, cluster_id: str) -> JobRecords:
        return cls(profile.jobs_file(cluster_id))

    def read(self) -> list[JobRecord]:
        """Return all records, none if there is no file."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[JobRecord])
        except (FileNotFoundError, msgspec.MsgspecError):
            return []

    def add(self, record: JobRecord) -> None:
        """Write `record`; the one of the same tag, and without an id yet, is this one."""
        now = msgspec.structs.replace(record, submitted=round(time.time(), 3))
        kept = [each for each in self.read() if each.job or each.tag != record.tag]
        self._write([*kept, now])

    def drop(self, *, jobs: Iterable[str] = (), tags: Iterable[str] = ()) -> None:
        """Forget jobs that have certainly ended, and submissions by `tags` that certainly came to nothing."""
        gone, failed = set(jobs), set(tags)
        self._write([each for each in self.read() if each.job not in gone and (each.job or each.tag not in failed)])

    def _write(self, records: list[JobRecord]) -> None:
        if records:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_private(self._path, msgspec.json.encode(records))
        else:
            self._path.unlink(missing_ok=True)
