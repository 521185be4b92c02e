"""`ipcluster config`."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Print every option, its value, and where that comes from."""
    from engineroom.settings.cluster import IPClusterConfig
    from engineroom.settings.effective import effective_options, table
    from engineroom.settings.reading import read_arguments

    app = IPClusterConfig()
    read_arguments(app, argv)
    print("\n".join(table(effective_options(app))))
    return 0
