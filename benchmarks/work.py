"""What the workers are given to do: importable by all of them, and by the peers' workers too."""

from __future__ import annotations

import os
import time


def noop() -> None:
    """Do nothing."""


def echo(value: object) -> object:
    """Give back what was given."""
    return value


def add(one: int, other: int) -> int:
    return one + other


def increment(value: int) -> int:
    return value + 1


def wait_for_file(path: str) -> None:
    """Keep this worker busy until `path` exists."""
    while not os.path.exists(path):
        time.sleep(0.02)


def forever() -> None:
    time.sleep(3600)


def nap() -> None:
    time.sleep(0.05)


def pid() -> int:
    return os.getpid()
