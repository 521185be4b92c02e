"""`ipcluster why`."""

from __future__ import annotations

import logging
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Say which step of a cluster's start failed first and what to do, or that all is well; 0 only then."""
    from engineroom.cluster.why.report import as_json, as_text, why
    from engineroom.settings.cluster import IPClusterWhy
    from engineroom.settings.reading import read_application

    logging.getLogger("engineroom.client").setLevel(logging.ERROR)  # the answer says it all
    app = read_application(IPClusterWhy, argv)
    answer = why(app.profile_directory, app.cluster_id)
    print(as_json(answer) if app.json else as_text(answer))
    return 0 if answer.well else 1
