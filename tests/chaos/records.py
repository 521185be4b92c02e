"""Who ran which task, and when: what tasks write down, and what it must say."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Run(NamedTuple):
    """A task was begun. `at`: by the clock that all processes of this machine share."""

    task: int
    attempt: str
    at: float


def work(number: int, path: str, seconds: float) -> int:
    """Write down that this task is begun, take a while, and return its square. (Runs on engines.)"""
    import threading

    attempt = f"{os.getpid()}-{os.urandom(4).hex()}"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{number} {attempt} {time.monotonic():.6f}\n".encode())
    finally:
        os.close(descriptor)
    threading.Event().wait(seconds)
    return number * number


def runs(path: Path) -> list[Run]:
    """Return what has been written down. A line is one write, so that each is whole."""
    if not path.exists():
        return []
    found = [line.split() for line in path.read_text().splitlines()]
    return [Run(int(task), attempt, float(at)) for task, attempt, at in found]


AT_ONCE = 0.05
"""Seconds within which an engine may begin what was delivered meanwhile: word of it is on its way..."""

BUSY = 1.0
"""... or longer, on a machine that is busy."""


def wrong(
    n: int, delivered: Mapping[int, list[tuple[float, object]]], found: list[Run], *, known_within: float = AT_ONCE
) -> list[str]:
    """Return, in words, what must not be: `delivered` has the time and the result of each delivery, by task.

    `known_within`: seconds after which every engine knows of a delivery, and begins that task no more.
    """
    words = []
    for task in range(n):
        results = [result for _, result in delivered.get(task, [])]
        if results != [task * task]:
            words.append(f"task {task} was delivered as {results}")
    for run in found:
        deliveries = delivered.get(run.task)
        if deliveries and run.at > deliveries[0][0] + known_within:
            late = run.at - deliveries[0][0]
            words.append(f"task {run.task} was begun again ({run.attempt}) {late:.3f} s after it had been delivered")
    unknown = set(range(n)) - {run.task for run in found}
    if unknown:
        words.append(f"tasks that were never run: {sorted(unknown)[:20]}")
    return words


def again(found: list[Run]) -> int:
    """Return how many runs there were beyond the first of each task."""
    return sum(count - 1 for count in Counter(run.task for run in found).values())
