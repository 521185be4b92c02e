"""`ipcluster logs`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Print the last lines of a cluster's logs; with `-f` go on with what is written from now on."""
    from engineroom.cluster.commands.logs import follow, last_lines, log_files, opened
    from engineroom.settings.cluster import IPClusterLogs
    from engineroom.settings.reading import read_application

    app = read_application(IPClusterLogs, argv)
    logs = opened(log_files(app.profile_directory, app.cluster_id, app.arguments))
    for line in last_lines(logs, app.lines):
        print(line)
    if app.follow:
        sys.stdout.flush()
        for line in follow(logs):
            print(line, flush=True)
    return 0
