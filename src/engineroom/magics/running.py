"""Running a cell on engines: sent, followed, interrupted, shown."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, cast

from engineroom.client.engines.targets import spell
from engineroom.client.state.scope import Scope
from engineroom.machine.signals import signal_name, signal_number
from engineroom.magics.flags import NO_SIGNAL
from engineroom.magics.following import Follower

if TYPE_CHECKING:
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.views.direct import DirectView


@dataclass(frozen=True)
class Way:
    """How a cell is waited for and shown. `signal`: what Ctrl-C sends to the engines; NO_SIGNAL for nothing."""

    stream: bool = True
    fold: bool = True
    groupby: str = "type"
    progress_after: float = 2.0
    signal: str = "SIGINT"


def run_and_show(
    view: DirectView[Any],
    submit: Callable[[], AsyncResult[Any]],
    way: Way,
    meanwhile: Callable[[], object] = lambda: None,
    note: Callable[[AsyncResult[Any]], object] = lambda result: None,
) -> None:
    """Show what the cell that `submit()` sends writes, displays and returns, and raise its error.

    `meanwhile()` is called while the engines run it. `note(result)`: whoever asks for it later finds it; called as soon
    as the cell has been sent, also if a Ctrl-C comes just then.

    Ctrl-C, at whatever point, interrupts the engines, and what there is by then is shown; a second one ends the wait.
    """
    follower = Follower(stream=way.stream, fold=way.fold, groupby=way.groupby, progress_after=way.progress_after)
    try:
        _send_and_wait(view, submit, meanwhile, note, way, follower)
    finally:
        follower.end()
    follower.finish()


def _send_and_wait(
    view: DirectView[Any],
    submit: Callable[[], AsyncResult[Any]],
    meanwhile: Callable[[], object],
    note: Callable[[AsyncResult[Any]], object],
    way: Way,
    follower: Follower,
) -> None:
    if current_thread() is not main_thread():  # which alone is interrupted
        result = submit()
        note(result)
        meanwhile()
        follower.wait(result)
        return
    session = view._session
    outer, scope = session.scope, Scope()
    try:
        session.scope = scope
        result = submit()
        session.scope = outer
        note(result)
        meanwhile()
        follower.wait(result)
    except KeyboardInterrupt:
        session.scope = outer
        if not scope.owners:  # nothing was sent
            raise
        result = cast("AsyncResult[Any]", scope.owners[-1])
        note(result)
        _interrupt(view, result, way.signal)
        _wait_again(follower, result)
    finally:
        session.scope = outer


def _interrupt(view: DirectView[Any], result: AsyncResult[Any], wanted: str) -> None:
    """Interrupt what runs of `result`, and withdraw what has not started. KeyboardInterrupt: all of it goes on."""
    engines = engines_of(result)
    if wanted == NO_SIGNAL:
        _say(f"The cell still runs on {engines}: %pxresult waits for it and shows its output")
        raise KeyboardInterrupt from None
    number = signal_number(wanted)
    _say(f"Interrupted: sending {signal_name(number)} to {engines} ...")
    if number == signal.SIGINT:  # only to this cell: other calls there go on
        result.abort()
    else:
        view.client.send_signal(number, targets=sorted({task.engine for task in result._unfinished()}))


def _wait_again(follower: Follower, result: AsyncResult[Any]) -> None:
    try:
        follower.wait(result, interrupted=lambda: _say(f"Waiting for {engines_of(result)}. Ctrl-C ends the wait"))
    except KeyboardInterrupt as again:
        _say(f"The cell still runs on {engines_of(result)}: %pxresult waits for it and shows its output")
        raise again from None  # or the first one is shown as well


def engines_of(result: AsyncResult[Any]) -> str:
    """Return the engines that still have tasks of `result`, for people: "engines 0-3"."""
    engines = tuple(sorted({task.engine for task in result._unfinished() if task.engine >= 0}))
    return f"engine{'' if len(engines) == 1 else 's'} {spell(engines)}"


def _say(words: str) -> None:
    if sys.stderr is not None:  # without it, nobody can read this
        print(words, file=sys.stderr, flush=True)
