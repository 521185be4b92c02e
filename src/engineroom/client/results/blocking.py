"""Calls that wait for their result. Nobody has a handle of them, so Ctrl-C cancels what was submitted."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

from engineroom.client.engines.targets import spell
from engineroom.client.state.scope import Scope
from engineroom.client.waiting.waits import Deadline

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.state.tasks import Task

Result = TypeVar("Result", bound="AsyncResult[Any]")

_QUIET, _LONGEST = 0.3, 2.0
"""Seconds that interrupted tasks have before they are named, and before the call stops waiting for them."""


def result_of(session: Session, submit: Callable[[], AsyncResult[Any]]) -> Any:
    """Return the result of the call that `submit()` makes, or raise its error.

    On Ctrl-C, at whatever point, cancel or interrupt its tasks first.
    """
    return _made_and_ended(session, submit)[1]


def finished(session: Session, submit: Callable[[], Result]) -> Result:
    """Like `result_of`, but return the AsyncResult."""
    return _made_and_ended(session, submit)[0]


def _made_and_ended(session: Session, submit: Callable[[], Result]) -> tuple[Result, Any]:
    if current_thread() is not main_thread():  # which alone is interrupted
        result = submit()
        return result, result.get()
    outer, scope = session.scope, Scope()
    try:
        session.scope = scope
        result = submit()
        session.scope = outer
        return result, result.get()
    except KeyboardInterrupt:
        session.scope = outer
        for owner in scope.owners:
            give_up(cast("AsyncResult[Any]", owner))
        raise
    finally:
        session.scope = outer


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
