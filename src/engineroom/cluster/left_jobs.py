"""Batch jobs of a cluster whose host was killed: what other commands do about them."""

from __future__ import annotations

from engineroom.settings.profiles import Profile


def cancel_left_jobs(profile: Profile, cluster_id: str) -> list[str]:
    """Cancel the jobs of hosts of this cluster that are certainly gone; return, in words, what was cancelled.

    LaunchError: they do not end.
    """
    if not any(profile.pid_dir.glob("jobs*.json")):
        return []
    # All this is slow to import, and few have jobs.
    from engineroom.cluster.launchers.jobs.cleanup import cancel_jobs_of
    from engineroom.cluster.launchers.jobs.records import all_records
    from engineroom.cluster.launchers.launcher import CONTROLLER

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
    from engineroom.cluster.launchers.jobs.records import all_records  # as above

    return {records.cluster_id for records in all_records(profile)}


def _remove_files(profile: Profile, cluster_id: str) -> None:
    """Remove the files of a controller whose job has ended, on a machine of which we could not tell otherwise."""
    profile.pid_file("ipcontroller", cluster_id).unlink(missing_ok=True)
    for role in ("client", "engine"):
        profile.connection_file(role, cluster_id).unlink(missing_ok=True)
