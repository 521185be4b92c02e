"""`ipcluster clean`."""

from __future__ import annotations

from collections.abc import Sequence

from engineroom.settings.streams import say


def main(argv: Sequence[str]) -> int:
    """Remove what clusters that are gone have left, and cancel their jobs; with `--force` stop those that run first."""
    from engineroom.cluster.left_jobs import cancel_left_jobs
    from engineroom.cluster.registry import clean, cluster_ids, running_ids
    from engineroom.cluster.stopping import stop
    from engineroom.settings.cluster import IPClusterClean
    from engineroom.settings.profiles import profiles

    app = IPClusterClean.from_command_line(argv)
    places = profiles(app.ipython_dir) if app.all_profiles else [app.profile_directory]
    if app.force:
        for profile in places:
            for cluster_id in running_ids(profile):
                say(stop(profile, cluster_id, seconds=10))
    for profile in places:
        for cluster_id in cluster_ids(profile):
            for words in cancel_left_jobs(profile, cluster_id):
                say(words)
    for path in clean(places):
        say(f"removed {path}")
    return 0
