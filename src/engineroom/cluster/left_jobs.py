"""Batch jobs of a cluster whose host was killed: what other commands do about them."""

from __future__ import annotations

from engineroom.cluster.pid_records import Holder, holder, read
from engineroom.settings.profiles import Profile


def cancel_left_jobs(profile: Profile, cluster_id: str) -> list[str]:
    """Cancel the jobs of a host that is gone; return, in words, what was cancelled. LaunchError: they do not end.

    A host that lives, or may on another machine, looks after its jobs itself.
    """
    if not profile.jobs_file(cluster_id).exists():
        return []
    if holder(read(profile.pid_file("ipcluster", cluster_id))) in {Holder.RUNNING, Holder.ELSEWHERE}:
        return []
    from engineroom.cluster.launchers.job_cleanup import cancel_jobs_of  # loads asyncio, for few

    words, with_controller = cancel_jobs_of(profile, cluster_id)
    if with_controller:
        # It may have been killed on a machine of which we can't tell; but its job has ended.
        profile.pid_file("ipcontroller", cluster_id).unlink(missing_ok=True)
        for role in ("client", "engine"):
            profile.connection_file(role, cluster_id).unlink(missing_ok=True)
    return words
