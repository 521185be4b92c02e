"""Removing what ended clusters left behind: logs, sockets, and pid, connection and cluster files; and their jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from engineroom.cluster.clearing.left_jobs import cancel_left_jobs
from engineroom.cluster.commands.stop import stop
from engineroom.cluster.finding.registry import cluster_ids, find_all, running_ids
from engineroom.cluster.records.leftovers import dead_sockets, stale_connection_files, sweep
from engineroom.cluster.records.old_logs import ended, of_cluster
from engineroom.settings.profiles import Profile

_STOP_SECONDS = 10.0
"""Seconds that a cluster which is stopped first may take to end before it is killed."""


def lost_profiles() -> list[Profile]:
    """Return the profiles that have been removed, and of which a cluster runs nevertheless."""
    return [found.profile for found in find_all([]) if found.lost and found.profile is not None]


def clean(places: Iterable[Profile], *, cluster_id: str = "", force: bool = False) -> Iterator[str]:
    """Clean these profiles; yield, in words, what was done.

    `cluster_id`: what this cluster left, and no other; "": all. `force`: stop clusters that run first.
    """
    places = list(places)
    for profile in places:
        if force:
            for each in running_ids(profile):
                if cluster_id in ("", each):
                    yield stop(profile, each, seconds=_STOP_SECONDS)
        for each in [cluster_id] if cluster_id else cluster_ids(profile):
            yield from cancel_left_jobs(profile, each)
    yield from _in_words(removed(places, cluster_id))


def _in_words(paths: Iterable[Path]) -> Iterator[str]:
    logs: Counter[Path] = Counter()
    for path in paths:
        if path.parent.name == "log":
            logs[path.parent] += 1
        else:
            yield f"removed {path}"
    for directory, count in logs.items():
        yield f"removed {count} log{'s' if count != 1 else ''} in {directory}"


def removed(places: Iterable[Profile], cluster_id: str = "") -> list[Path]:
    """Remove the files of clusters that have certainly ended; return which. `cluster_id`: of this one only; "": all."""
    found: list[Path] = []
    for profile in places:
        for each in [cluster_id] if cluster_id else cluster_ids(profile):
            found += sweep(profile, each)
        found += _remove(_files_of_ended(profile, cluster_id))
    if not cluster_id:
        found += _remove(dead_sockets())
    return found


def _files_of_ended(profile: Profile, cluster_id: str) -> list[Path]:
    """Return the logs and connection files of clusters that have ended."""
    living = cluster_ids(profile)  # all others have been swept
    files = stale_connection_files(profile, living=living)
    if not cluster_id:
        return [*files, *ended(profile.log_dir, living=living)]
    logs = [] if cluster_id in living else of_cluster(profile.log_dir, cluster_id)
    return [*(path for path in files if f"-{cluster_id}" in path.name), *logs]


def _remove(paths: Iterable[Path]) -> list[Path]:
    found = list(paths)
    for path in found:
        path.unlink(missing_ok=True)
    return found
