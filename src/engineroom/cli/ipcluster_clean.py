"""`ipcluster clean`."""

from __future__ import annotations

from collections.abc import Sequence

from engineroom.machine.standard_streams import say


def main(argv: Sequence[str]) -> int:
    """Remove what ended clusters left behind, and cancel their jobs; with `--force` stop those that run first."""
    from engineroom.cluster.commands.cleaning import clean, lost_profiles
    from engineroom.settings.cluster import IPClusterClean
    from engineroom.settings.profiles import profiles
    from engineroom.settings.reading import read_application

    app = read_application(IPClusterClean, argv)
    places = profiles(app.ipython_dir) if app.all_profiles else [app.profile_directory]
    if app.all_profiles and app.force:
        places += lost_profiles()
    for words in clean(places, cluster_id=app.cluster_id, force=app.force):
        say(words)
    return 0
