"""A Future that costs little as long as it is only waited for."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any

from engineroom.client.arguments.switches import checks_switches, switch
from engineroom.client.connection.vigil import Vigil, Wish, from_the_start
from engineroom.client.kinds import T
from engineroom.client.progress.standing import Counts
from engineroom.client.state.future_states import CANCELLED, FINISHED, PENDING, RUNNING
from engineroom.client.waiting.awaited import new_wait
from engineroom.client.waiting.waits import Looks, Waiter, is_over, together
from engineroom.errors import EngineroomError
from engineroom.errors.local import called_by_users, is_for_users, show_users_frames

if TYPE_CHECKING:
    import threading

    from engineroom.client.connection.session import Session
    from engineroom.client.state.tasks import Task

log = logging.getLogger(__name__)


_NOT_FOR_USERS = frozenset({"set_exception", "set_result", "set_running_or_notify_cancel"})
"""What only makers of futures call."""

_WORTH_ASKING = 0.5
"""Seconds: who waits for so long in vain is told why, if the controller knows."""


@called_by_users("__await__")
@checks_switches()
class LeanFuture(Future[T]):
    """A `concurrent.futures.Future` without a lock and lists of its own.

    All futures of a session share its condition as the lock of their states, and whoever waits brings a lock
    along. `concurrent.futures.wait`, `as_completed` and asyncio's `wrap_future` reach into futures by the names
    `_condition`, `_waiters` and `_state`, so these exist here too.
    """

    _output: Any = None
    """What shows the output of its tasks during waits; None: nothing does."""
    _late = False
    """Whether a wait for it has run out of time."""
    _progress: bool | None = None
    """Whether waits for it show the progress: from their start (True), never (False), or once they have lasted."""
    _vigil: Vigil | None = None
    """What shows the progress over several waits, those of an iteration."""
    _plain = False
    """Whether nothing but fields of it changes when a task of it ends well: not said of those derived from it."""
    __slots__ = ("_callbacks", "_session", "_state", "_waiting", "_watchers")

    def __init_subclass__(cls) -> None:
        cls._plain = vars(cls).get("_plain", False)

    def __init__(self, session: Session) -> None:
        # Future's own __init__ would make a condition and two lists for each task: 3 us and 500 bytes.
        self._session = session
        self._state = PENDING
        self._waiting: list[Any] | None = None
        self._callbacks: list[Callable[[Any], object]] | None = None
        self._watchers: list[Callable[[], object]] | None = None

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in _NOT_FOR_USERS]

    if not TYPE_CHECKING:  # attributes in Future, and in what checkers expect of one

        @property
        def _condition(self) -> threading.Condition:
            return self._session.condition

        @property
        def _waiters(self) -> list[Any]:
            if self._waiting is None:
                self._waiting = []
            self._session.silence.watch()
            return self._waiting

    def done(self) -> bool:
        """Whether it has ended: with a result, an error, or by `cancel`."""
        state = self._state
        return state is FINISHED or state is CANCELLED

    def cancelled(self) -> bool:
        """Whether it was cancelled by `cancel`."""
        return self._state is CANCELLED

    def running(self) -> bool:
        """Whether it is known to be running. The controller reports this only for tasks that take some time."""
        return self._state is RUNNING

    def cancel(self, *, force: bool = False) -> bool:
        """Cancel tasks that have not started, and interrupt those that are running.

        Returns True if no task was known to be running: the future is cancelled and its results are dropped. Returns
        False if a task is running, or all have ended; a running task ends with the error that the interrupt raises.
        `force`: restart the engine of a task that does not end within `IPController.interrupt_grace` (5 s); the task
        raises TaskAborted.
        """
        with self._session.condition:
            if self._state is PENDING:
                self._end(CANCELLED)
                self._withdraw(force=force)
            elif self._state is RUNNING:
                self._withdraw(force=force)
            return self._state is CANCELLED

    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        """Call `fn(self)` at the end, in a thread for callbacks; at once if this has already ended."""
        with self._session.condition:
            if not self.done():
                callbacks = self._callbacks
                if callbacks is None:
                    callbacks = self._callbacks = []
                callbacks.append(fn)
                self._session.silence.watch()
                if not self.done() or fn not in callbacks:
                    return
                # Else it has ended meanwhile, while a signal handler that interrupted this waited: too early for `fn`.
        try:
            fn(self)
        except Exception:
            log.exception("a callback raised")

    def result(self, timeout: float | None = None) -> T:
        """Return the result or raise the error; wait at most `timeout` seconds (None: no limit), then TimeoutError."""
        try:
            if self._state is not FINISHED:
                self._wait_for_value(timeout)
            return self._value()
        except BaseException as error:
            if is_for_users(error):
                show_users_frames(error)
            raise

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the error that `result` would raise; None if there is none. Waits at most `timeout` seconds.

        None: no limit. TimeoutError: it has not ended. CancelledError: it was cancelled.
        """
        if self._state is not FINISHED:
            self._wait_for_end(timeout)
        return self._error()

    def __await__(self) -> Generator[Any, None, T]:
        """Wait for the result in an event loop; a coroutine that is cancelled meanwhile withdraws the tasks."""
        if not self.done():
            yield from self._until(self.done)
        if self._state is CANCELLED:
            raise asyncio.CancelledError  # as every future that is awaited
        return self.result(0)

    def _until(self, condition: Callable[[], object]) -> Generator[Any, None, None]:
        """Wait in an event loop until `condition()`, asked whenever a task ends; it is true once all have."""
        session, ended = self._session, new_wait()

        def look() -> None:
            if condition():
                session.awaited.add(ended)

        if not self._watch(look):
            return
        try:
            if condition():
                return
            session.silence.watch()
            with session.awaiting():
                yield from ended
        except BaseException:
            if ended.cancelled():
                with contextlib.suppress(EngineroomError):  # the session has ended: there is nothing to withdraw
                    self.cancel()
            raise
        finally:
            if not self.done():
                self._unwatch(look)

    def _value(self) -> T:
        """Return the result of what has finished, or raise its error."""
        raise NotImplementedError

    def _error(self) -> BaseException | None:
        """Return the error of what has finished."""
        raise NotImplementedError

    def _withdraw(self, *, force: bool) -> None:
        """Cancel or interrupt the tasks: the result is no longer wanted."""

    def _failed(self) -> bool:
        """Whether it has ended in an error; asked in the I/O thread, so nothing may be unpickled."""
        raise NotImplementedError

    def _wait_for_end(self, timeout: float | None, waiter: Waiter | None = None) -> None:
        """Return once finished; CancelledError, TimeoutError."""
        if not self._wait(self.done, timeout, waiter=waiter):
            said = f"no result in {timeout:g} s" if timeout and timeout > 0 else "no result yet"
            unanswered = self._session.silence.unanswered()
            if not unanswered and timeout and timeout >= _WORTH_ASKING:
                unanswered = self._session.why_unfinished(self)
            raise TimeoutError(f"{said}: {unanswered}" if unanswered else said)
        if self._state is CANCELLED:
            raise CancelledError

    _wait_for_value = _wait_for_end

    def _wait(
        self,
        condition: Callable[[], object],
        timeout: float | None,
        looks: Looks | None = None,
        waiter: Waiter | None = None,
    ) -> bool:
        """Return whether `condition()` came true in time; it is asked whenever one of the tasks ends.

        `looks` go on meanwhile; by default, they say what is waited for. `waiter`: what this thread waits with.
        """
        waiter = waiter or Waiter()
        always = waiter.at_each_end

        def look() -> None:
            if always or condition():
                waiter.wake()

        session = self._session
        of: Any = self if self._plain else None
        with session.lock:
            if condition():
                return True
            if is_over(timeout):
                self._late = True
                return False
            session.check_may_wait()
            self._add_watcher(look)
        try:
            if condition():  # since a signal handler that interrupted this may have waited itself
                return True
            looks = looks or session.silence.looks(self)
            if self._output is not None:
                looks = together(looks, self._output.looks())
            woken = session.wait_for(waiter, timeout, looks, of)
            if not woken:
                self._late = True
            return woken
        finally:
            self._unwatch(look)

    def _awaited(self) -> Sequence[Task]:
        """Return the tasks that its end depends on."""
        return ()

    def _counts(self) -> Counts:
        """Return how far it is."""
        return Counts(int(self.done()), 1)

    @contextlib.contextmanager
    def _with_progress(self, progress: object) -> Iterator[None]:
        """Return a context in which waits show the progress from the start, or never."""
        before, self._progress = self._progress, bool(switch("progress", progress))
        try:
            yield
        finally:
            self._progress = before

    def _shown(self, interval: float, widget: object) -> Looks:
        """Return what shows the progress of one wait from its start; see `wait_interactive`."""
        return self._session.silence.looks(self, from_the_start(interval, widget))

    def _shown_while_read(self, values: Iterator[Any]) -> Iterator[Any]:
        """Return `values`, the results; with one progress bar over all waits, if one is wanted."""
        return self._each_shown(values) if self._progress else values

    def _each_shown(self, values: Iterator[Any]) -> Iterator[Any]:
        self._vigil = vigil = self._session.silence.vigil(self)
        try:
            vigil.show(Wish(progress=True))
            vigil.clear()
            yield from values
        finally:
            self._vigil = None
            vigil.end()

    def _watch(self, look: Callable[[], object]) -> bool:
        """Have `look()` called whenever one of the tasks ends; False if all have."""
        with self._session.condition:
            return not self.done() and self._add_watcher(look)

    def _add_watcher(self, look: Callable[[], object]) -> bool:
        """Have `look()` called whenever one of the tasks ends; False: too late. The session's condition is held.

        It was let go of meanwhile if a signal handler has interrupted this and waited.
        """
        watchers = self._watchers
        if watchers is None:
            watchers = self._watchers = []
        watchers.append(look)
        return not self.done() or look not in watchers

    def _unwatch(self, look: Callable[[], object]) -> None:
        if not self._watchers:  # it has ended
            return
        with self._session.condition:
            if self._watchers and look in self._watchers:
                self._watchers.remove(look)

    def _when_done(self, act: Callable[[], object]) -> None:
        """Have `act()` called at the end in the I/O thread, where it must be quick and wait for nothing."""

        def look() -> None:
            if self.done():
                act()

        if self._watch(look):
            self._session.silence.watch()
        else:
            act()

    def _left_behind(self) -> None:
        """In a forked child: forget who waits for it, for they do so in the parent."""
        self._callbacks = self._watchers = self._waiting = None

    def _look(self) -> None:
        for look in tuple(self._watchers or ()):
            look()

    def _finish(self) -> None:
        """End it now, whatever its tasks do. The session's condition is held."""
        self._end(FINISHED)

    def _end(self, state: str) -> None:
        """Enter the final `state` and tell everybody. The session's condition is held."""
        self._state = state
        if self._watchers:
            self._look()
            watchers, self._watchers = self._watchers, None
            watchers.clear()
        if self._waiting:
            for waiter in self._waiting:
                if state is CANCELLED:
                    waiter.add_cancelled(self)
                elif self._failed():
                    waiter.add_exception(self)
                else:
                    waiter.add_result(self)
        if self._callbacks:
            callbacks, self._callbacks = self._callbacks, None
            for callback in callbacks:
                self._session.callbacks.call(functools.partial(callback, self))
            callbacks.clear()
