"""The clusters of this user's profiles: those that run, and what others have left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from engineroom.cluster import cluster_file as files
from engineroom.cluster.cluster_file import NoCluster
from engineroom.cluster.left_jobs import ids_with_jobs
from engineroom.cluster.leftovers import PROGRAMS
from engineroom.cluster.pid_records import Holder, holder, read
from engineroom.settings.advice import named
from engineroom.settings.profiles import DEFAULT, Profile, profiles


@dataclass(frozen=True, slots=True)
class Found:
    """A cluster by what its files say. `values`: of the cluster file, {} where there is only a pid file."""

    profile: Profile
    cluster_id: str
    holder: Holder
    values: dict[str, Any]

    @property
    def engines(self) -> int:
        return sum(bool(state.get("ready")) for state in files.engine_states(self.values))

    @property
    def name(self) -> str:
        """What tells its profile from others."""
        return self.profile.name or str(self.profile.path)

    @property
    def launcher(self) -> str:
        """How it was started."""
        return str(self.values["engines"]["class"]) if self.values else "ipcontroller"


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
            values: dict[str, Any] = {}
            record = read(profile.pid_file("ipcluster", cluster_id))
            try:
                values = files.read(profile.cluster_file(cluster_id))
                record = files.address_in(values).process
            except NoCluster:
                record = record or read(profile.pid_file("ipcontroller", cluster_id))
            yield Found(profile, cluster_id, holder(record), values)


def running_ids(profile: Profile) -> list[str]:
    """Return the ids of the clusters of `profile` that run, or may."""
    return [found.cluster_id for found in find([profile]) if found.holder in {Holder.RUNNING, Holder.ELSEWHERE}]


def running(place: Profile) -> Iterator[Found]:
    """Yield the clusters that run, or may, of `place` and of all profiles."""
    for found in find([place, *(each for each in profiles() if each != place)]):
        if found.holder in {Holder.RUNNING, Holder.ELSEWHERE}:
            yield found


def running_commands(command: str, place: Profile) -> str:
    """Return a sentence that names the clusters which run, of `place` and of all profiles; "" if there are none.

    Each is named by `command` with the options that choose it.
    """
    return named(f"{command} {_explicit(found)}" for found in running(place))


def _explicit(found: Found) -> str:
    """Return the options that choose a cluster, also where none are needed: beside others, it is to be told apart."""
    return found.profile.options(found.cluster_id) or f"--profile={DEFAULT}"


def as_values(found: Found) -> dict[str, Any]:
    """Return a cluster as JSON values."""
    return {
        "profile": found.profile.name,
        "profile_dir": str(found.profile.path),
        "cluster_id": found.cluster_id,
        "running": _running(found),
        "engines": found.engines,
        "launcher": found.launcher,
        "cluster_file": str(found.profile.cluster_file(found.cluster_id)) if found.values else None,
    }


def as_table(clusters: Iterable[Found]) -> list[str]:
    """Return clusters as lines of text."""
    rows = [("PROFILE", "CLUSTER ID", "RUNNING", "ENGINES", "LAUNCHER")]
    for found in clusters:
        running = {True: "yes", False: "no", None: "elsewhere"}[_running(found)]
        rows.append((found.name, found.cluster_id or "''", running, str(found.engines), found.launcher))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _running(found: Found) -> bool | None:
    """Return whether it runs, None if that can't be said from here."""
    return None if found.holder is Holder.ELSEWHERE else found.holder is Holder.RUNNING
