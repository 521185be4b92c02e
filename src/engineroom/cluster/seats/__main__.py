"""`python -m engineroom.cluster.seats` is the controller of a host: see `process`."""

from __future__ import annotations

import sys

from engineroom.machine.garbage import look_seldom


def main() -> int:
    """Be that controller; return the exit code."""
    look_seldom()  # before anything large is imported
    from engineroom.cluster.seats.process import be_child

    return be_child()


if __name__ == "__main__":
    sys.exit(main())
