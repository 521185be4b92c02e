"""Calls that wait for their result. Nothing else refers to the result, so Ctrl-C cancels what was submitted."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from engineroom.client.targets import spell
from engineroom.client.waiting import Deadline

if TYPE_CHECKING:
    from engineroom.client.results import AsyncResult
    from engineroom.client.tasks import Task

_QUIET, _LONGEST = 0.3, 2.0
"""Seconds that interrupted tasks have before they are named, and before the call stops waiting for them."""


def wait_for(result: AsyncResult) -> Any:
    """Return the result, or raise its error. On Ctrl-C, cancel or interrupt its tasks first."""
    try:
        return result.get()
    except KeyboardInterrupt:
        give_up(result)
        raise


def give_up(result: AsyncResult) -> None:
    """Withdraw and interrupt the tasks of `result`; wait at most 2 s for those that run, and name them.

    A second Ctrl-C ends the wait.
    """
    with contextlib.suppress(KeyboardInterrupt):
        result.abort()
        _wait_for_end(result, Deadline(_LONGEST))


def _wait_for_end(result: AsyncResult, deadline: Deadline) -> None:
    if _ended(result, _QUIET):
        return
    _say(f"Interrupted. Waiting up to {_LONGEST:g} s for {_names(result)} ...")
    if not _ended(result, deadline.left()):
        _say(
            f"Still running: {_names(result)}. Calls on these engines wait until it ends; to end it now, restart them."
        )


def _ended(result: AsyncResult, timeout: float | None) -> bool:
    return result._wait(lambda: not result._unfinished(), timeout)


def _names(result: AsyncResult) -> str:
    """Return what still runs, and where: "'fit' on engines 0-2"."""
    left: list[Task] = result._unfinished()
    engines = tuple(sorted({task.engine for task in left if task.engine >= 0}))
    where = f" on engine{'s' * (len(engines) > 1)} {spell(engines)}" if engines else ""
    return f"{result._name.rpartition(':')[2]!r}{where}"


def _say(words: str) -> None:
    # Without stderr, nobody can read this.
    if sys.stderr is not None:
        print(words, file=sys.stderr, flush=True)
