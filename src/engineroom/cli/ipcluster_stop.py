"""`ipcluster stop`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engineroom.errors import LaunchError
from engineroom.machine.standard_streams import say

if TYPE_CHECKING:
    from engineroom.settings.profiles import Profile


def _none_running(profile: Profile) -> str:
    """Say that no cluster of this profile runs, and which others do."""
    from engineroom.cluster.finding.registry import running_commands

    others = running_commands("ipcluster stop", profile)
    return f"no clusters of this profile are running. {others}" if others else "no clusters are running"


def main(argv: Sequence[str]) -> int:
    """Stop the clusters that are named; return the exit code."""
    from engineroom.cluster.commands.stop import stop
    from engineroom.settings.cluster import IPClusterStop
    from engineroom.settings.reading import read_application

    app = read_application(IPClusterStop, argv)
    profile = app.profile_directory
    ids = app.arguments or [app.cluster_id]
    if app.all_cluster_ids:
        from engineroom.cluster.finding.registry import running_ids

        ids = running_ids(profile)
        if not ids:
            say(_none_running(profile))
    code = 0
    for cluster_id in ids:
        try:
            say(stop(profile, cluster_id, seconds=app.timeout))
        except LaunchError as error:
            print(f"ipcluster: {error}", file=sys.stderr)
            code = int(getattr(error, "code", 1))
    return code
