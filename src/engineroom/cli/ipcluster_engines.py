"""`ipcluster engines`."""

from __future__ import annotations

from collections.abc import Sequence

from engineroom.cli.ipcluster_start import run


def main(argv: Sequence[str]) -> int:
    """Run engines until they are stopped, or start them in the background; return the exit code."""
    return run(argv, with_controller=False)
