"""The clusters of this user's profiles: those that run, and what others have left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engineroom.cluster.clearing.left_jobs import ids_with_jobs
from engineroom.cluster.records import cluster_file as files
from engineroom.cluster.records.cluster_file import NoCluster
from engineroom.cluster.records.leftovers import PROGRAMS
from engineroom.cluster.records.pid_records import Holder, holder, read
from engineroom.machine.logs import last_written
from engineroom.machine.processes import ProcessRecord
from engineroom.settings.profiles import DEFAULT, Profile, profiles
from engineroom.trail.advice import named


@dataclass(frozen=True, slots=True)
class Found:
    """A cluster by what its files say, or its processes.

    `profile`: None where neither tells; `record`: its host, or its controller if it has none; `values`: of the cluster
    file, {} where there is only a process; `directory`: where it was started; `since`: when, in seconds since 1970.
    """

    profile: Profile | None
    cluster_id: str
    holder: Holder
    record: ProcessRecord | None
    values: dict[str, Any]
    directory: str = ""
    since: float = 0.0

    @property
    def may_run(self) -> bool:
        return self.holder.may_run

    @property
    def lost(self) -> bool:
        """Whether it runs, and its files are gone, so that no new client can find it."""
        return self.may_run and (self.profile is None or not self.profile.security_dir.is_dir())

    @property
    def engines(self) -> int:
        return sum(bool(state.get("ready")) for state in files.engine_states(self.values))

    def stopped_pids(self) -> dict[str, int]:
        """Return the pids of its processes on this machine that are held by SIGSTOP or Ctrl-Z, by what they are."""
        from engineroom.machine.stopped import is_stopped  # psutil takes a moment

        records = {"ipcluster": self.record}
        if self.profile is not None:
            records["controller"] = read(self.profile.pid_file("ipcontroller", self.cluster_id))
        return {what: each.pid for what, each in records.items() if each and each.here and is_stopped(each.pid)}

    def command(self, command: str) -> str:
        """Return `command` with the options that choose this cluster, also where none are needed; "" if none do."""
        if self.profile is not None:
            return f"{command} {self.profile.options(self.cluster_id) or f'--profile={DEFAULT}'}"
        return f"kill {self.record.pid}" if self.record is not None and command == "ipcluster stop" else ""


def cluster_ids(profile: Profile) -> list[str]:
    """Return the ids of all clusters of which `profile` has a pid or cluster file, or of whose jobs."""
    found = {path.stem.removeprefix("cluster-") for path in profile.security_dir.glob("cluster-*.json")}
    for program in PROGRAMS:
        for path in profile.pid_dir.glob(f"{program}*.pid"):
            found.add(path.stem.removeprefix(program).removeprefix("-"))
    return sorted(found | ids_with_jobs(profile))


def find(places: Iterable[Profile]) -> Iterator[Found]:
    """Yield the clusters of these profiles that run, or have left something."""
    for profile in places:
        for cluster_id in cluster_ids(profile):
            pid_file = profile.pid_file("ipcluster", cluster_id)
            try:
                values = files.read(profile.cluster_file(cluster_id))
            except NoCluster:
                if (record := read(pid_file)) is None:
                    pid_file = profile.pid_file("ipcontroller", cluster_id)
                    record = read(pid_file)
                yield Found(profile, cluster_id, holder(record), record, {}, since=last_written(pid_file))
            else:
                yield _of_values(values, profile)


def find_all(places: Iterable[Profile]) -> Iterator[Found]:
    """Yield those, and the clusters that run on this machine without being in a file of these profiles."""
    known: set[tuple[Profile | None, str]] = set()
    pids: set[int] = set()
    for found in find(places):
        known.add((found.profile, found.cluster_id))
        if found.record is not None and found.record.here:
            pids.add(found.record.pid)
        yield found
    from engineroom.cluster.finding.own_processes import own_processes  # psutil, and a look at every process

    others = [each for each in own_processes() if each.record.pid not in pids]
    hosts = pids.union(each.record.pid for each in others if each.what == "host")
    for process in others:
        if process.what == "controller" and process.parent in hosts:
            continue  # it is part of its host's cluster
        stray = _of_values(process.values) if process.values else None
        stray = stray or Found(
            None, process.cluster_id, Holder.RUNNING, process.record, {}, process.directory, process.since
        )
        if stray.profile is None or (stray.profile, stray.cluster_id) not in known:
            yield stray


def _of_values(values: dict[str, Any], profile: Profile | None = None) -> Found:
    host, about = files.address_in(values), values["cluster"]
    return Found(
        profile or Profile(Path(about["profile_dir"])),
        about["cluster_id"],
        holder(host.process),
        host.process,
        values,
        host.directory,
        host.since,
    )


def running_ids(profile: Profile) -> list[str]:
    """Return the ids of the clusters of `profile` that run, or may, also of those whose files are gone."""
    found = [each for each in find_all([profile]) if each.may_run and each.profile == profile]
    return list(dict.fromkeys(each.cluster_id for each in found))


def running(place: Profile) -> Iterator[Found]:
    """Yield the clusters that run, or may: of `place`, of all profiles, and of this user on this machine."""
    for found in find_all([place, *(each for each in profiles() if each != place)]):
        if found.may_run:
            yield found


def running_commands(command: str, place: Profile) -> str:
    """Return a sentence that names the clusters which run, each by `command` with the options that choose it.

    "" if there are none.
    """
    return named(filter(None, (found.command(command) for found in running(place))))
