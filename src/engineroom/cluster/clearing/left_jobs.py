"""What a host left that was killed, above all its batch jobs: what other processes do about them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from engineroom.cluster.records.leftovers import sweep
from engineroom.cluster.records.pid_records import wait_for_end
from engineroom.errors import LaunchError
from engineroom.settings.profiles import Profile

log = logging.getLogger(__name__)

_HOST_SECONDS = 3.0
"""Seconds that a host which is gone may take to be seen as gone."""


def clear_up_after_host(profile: Profile, cluster_id: str, *, gone: bool) -> bool:
    """Do what the host of a cluster could not do if it was killed; return whether it was. `gone`: its end was seen."""
    pid_file = profile.pid_file("ipcluster", cluster_id)
    if gone:  # a process that is killed lets go of its pipes a moment before it counts as ended
        wait_for_end(pid_file, _HOST_SECONDS)
    if pid_file not in sweep(profile, cluster_id):
        return False
    log_cancelled(lambda: cancel_left_jobs(profile, cluster_id))
    return True


def log_cancelled(cancel: Callable[[], list[str]]) -> None:
    """Log what `cancel()` says that it did, or why it could not."""
    try:
        for words in cancel():
            log.warning("the host is gone: %s", words)
    except LaunchError as error:
        log.error("the host is gone, and its jobs: %s", error)  # noqa: TRY400 (the words are all there is to say)


def cancel_left_jobs(profile: Profile, cluster_id: str) -> list[str]:
    """Cancel the jobs of hosts of this cluster that are certainly gone; return, in words, what was cancelled.

    LaunchError: they do not end.
    """
    if not any(profile.pid_dir.glob("jobs*.json")):
        return []
    # All this is slow to import, and few have jobs.
    from engineroom.cluster.launchers.jobs.cleanup import cancel_jobs_of
    from engineroom.cluster.launchers.launcher import CONTROLLER
    from engineroom.cluster.records.job_records import all_records

    words = []
    for records in all_records(profile):
        if records.cluster_id == cluster_id and records.left:
            with_controller = any(record.role == CONTROLLER for record in records.read())
            words += cancel_jobs_of(records)
            if with_controller:
                _remove_files(profile, cluster_id)
    return words


def ids_with_jobs(profile: Profile) -> set[str]:
    """Return the ids of the clusters of `profile` that have jobs, or had when their host was killed."""
    if not any(profile.pid_dir.glob("jobs*.json")):
        return set()
    from engineroom.cluster.records.job_records import all_records  # as above

    return {records.cluster_id for records in all_records(profile)}


def _remove_files(profile: Profile, cluster_id: str) -> None:
    """Remove the files of a controller whose job has ended, on a machine of which we could not tell otherwise."""
    profile.pid_file("ipcontroller", cluster_id).unlink(missing_ok=True)
    for path in profile.connection_files(cluster_id):
        path.unlink(missing_ok=True)
