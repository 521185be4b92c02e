"""`ipcluster list`."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Print the clusters of the profile that is named; by default of all, and whatever else runs on this machine."""
    from engineroom.cluster.commands.listing import as_table, as_values, remarks
    from engineroom.cluster.finding.registry import find_all
    from engineroom.settings.cluster import IPClusterList
    from engineroom.settings.profiles import profiles
    from engineroom.settings.reading import read_application

    app = read_application(IPClusterList, argv)
    one = app.profile_directory if app.profile or app.profile_dir else None
    found = [
        each
        for each in find_all(profiles(app.ipython_dir) if one is None else [one])
        if one in (None, each.profile) and app.cluster_id in ("", each.cluster_id)
    ]
    if app.output_format == "json":
        print(json.dumps([as_values(each) for each in found], indent=2))
    elif found:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None  # others read whole paths
        print("\n".join([*as_table(found, width), *remarks(found)]))
    else:
        print("no clusters")
    return 0
