"""The jobs of a host, on disk as soon as they have an id, so that others can cancel them once it is gone.

Each host has a file of its own, `pid/jobs-CLUSTER.HOST.json`, which says which process it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from engineroom.machine.own_files import UnsafeFile, make_directory, read_own
from engineroom.machine.private_files import write_private
from engineroom.machine.processes import ProcessRecord
from engineroom.settings.profiles import Profile, tail


class JobRecord(msgspec.Struct, kw_only=True, frozen=True):
    """One job. `system`: the batch system's name; `job`: "" while it is being submitted; `tag`: what marks it in the
    system, "" if nothing does; `role`: controller or engine; `cancel`: the command that takes ids, as configured;
    `status`: the command that asks, where it is not the system's own."""

    system: str
    role: str
    job: str = ""
    tag: str = ""
    cancel: list[str] = []
    status: list[str] = []
    submitted: float = 0.0


class HostJobs(msgspec.Struct, kw_only=True, frozen=True):
    """The jobs of one host. `host`: its instance, in hex; `process`: which process it is."""

    cluster_id: str
    host: str
    process: ProcessRecord
    jobs: list[JobRecord] = []


class JobRecords:
    """The file of one host; that host writes it, and whoever looks after what it left."""

    def __init__(self, path: Path, found: HostJobs) -> None:
        self.path, self._found = path, found

    @classmethod
    def of_this_process(cls, profile: Profile, cluster_id: str, host: str) -> JobRecords:
        """Return the file of the host `host`, which is this process."""
        path = profile.pid_dir / f"jobs{tail(cluster_id)}.{host[:12]}.json"
        found = _read(path)
        return cls(path, found or HostJobs(cluster_id=cluster_id, host=host, process=ProcessRecord.of_this_process()))

    @property
    def host(self) -> str:
        return self._found.host

    @property
    def cluster_id(self) -> str:
        return self._found.cluster_id

    @property
    def left(self) -> bool:
        """Whether its host has certainly ended."""
        return self._found.process.ended

    def read(self) -> list[JobRecord]:
        """Return the jobs that are noted."""
        return list(self._found.jobs)

    def add(self, record: JobRecord) -> None:
        """Note `record`; one of the same tag, and without an id yet, is this one."""
        now = msgspec.structs.replace(record, submitted=round(time.time(), 3))
        self._write([*(each for each in self._found.jobs if each.job or each.tag != record.tag), now])

    def drop(self, *, jobs: Iterable[str] = (), tags: Iterable[str] = ()) -> None:
        """Forget jobs that have certainly ended, and submissions by `tags` that certainly came to nothing."""
        gone, failed = set(jobs), set(tags)
        kept = [each for each in self._found.jobs if (each.job not in gone if each.job else each.tag not in failed)]
        if len(kept) < len(self._found.jobs):
            self._write(kept)

    def _write(self, records: list[JobRecord]) -> None:
        self._found = msgspec.structs.replace(self._found, jobs=records)
        if records:
            make_directory(self.path.parent)
            write_private(self.path, msgspec.json.encode(self._found))
        else:
            self.path.unlink(missing_ok=True)


_SHARED = "job records"


def records_shared(shared: dict[str, Any], profile: Profile, cluster_id: str, host: str) -> JobRecords:
    """Return the file of the host `host`, which is this process; all launchers with this `shared` have that one."""
    made = JobRecords.of_this_process(profile, cluster_id, host)
    records: JobRecords = shared.setdefault(_SHARED, made)
    return records


def forget_jobs(shared: dict[str, Any], jobs: Iterable[str]) -> None:
    """Take note that `jobs` have ended."""
    if _SHARED in shared:
        shared[_SHARED].drop(jobs=jobs)


def all_records(profile: Profile) -> Iterator[JobRecords]:
    """Yield the files of all hosts of a profile's clusters that have jobs."""
    for path in sorted(profile.pid_dir.glob("jobs*.json")):
        found = _read(path)
        if found is not None:
            yield JobRecords(path, found)


def _read(path: Path) -> HostJobs | None:
    try:
        return msgspec.json.decode(read_own(path), type=HostJobs)
    except (FileNotFoundError, UnsafeFile, msgspec.MsgspecError):
        return None
