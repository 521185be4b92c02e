"""`python -m engineroom.cluster.seats` is the controller of a host: see `process`."""

from __future__ import annotations

from typing import NoReturn

from engineroom.machine.ending import end
from engineroom.machine.garbage import look_seldom


def main() -> NoReturn:
    """Be that controller."""
    look_seldom()  # before anything large is imported
    from engineroom.cluster.seats.process import be_child

    end(be_child())


if __name__ == "__main__":
    main()
