"""`ipcluster list`."""

from __future__ import annotations

import json
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Print the clusters of the profile that is named, or of all."""
    from engineroom.cluster.registry import as_table, as_values, find
    from engineroom.settings.cluster import IPClusterList
    from engineroom.settings.profiles import profiles

    app = IPClusterList.from_command_line(argv)
    one = app.profile or app.profile_dir
    found = list(find([app.profile_directory] if one else profiles(app.ipython_dir)))
    if app.cluster_id:
        found = [each for each in found if each.cluster_id == app.cluster_id]
    if app.output_format == "json":
        print(json.dumps([as_values(each) for each in found], indent=2))
    else:
        print("\n".join(as_table(found)))
    return 0
