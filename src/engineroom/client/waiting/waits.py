"""How threads wait: interruptibly, at the cost of one lock that only waiting threads create."""

from __future__ import annotations

import heapq
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from engineroom.machine import threads

log = logging.getLogger(__name__)

_LONGEST = 3600.0
"""A lock waits at most so long in one go; longer waits are several."""

FOR_EVER = 1e9
"""Seconds that nobody waits."""

PATIENCE = 2.0
"""Seconds that a session's waits may last before they say what they wait for, unless it is told otherwise."""

_SLICE = 0.2 if sys.platform == "win32" else _LONGEST
"""Where Ctrl-C does not end a wait on a lock, waits are sliced so that it is seen soon."""


def limit_of(timeout: float | None, name: str = "timeout") -> float | None:
    """Return `timeout`, and None (no limit) for a negative one; TypeError: it is not a number of seconds.

    ValueError: it is NaN. `name`: what the argument is called.
    """
    try:
        if timeout is None or timeout < 0:
            return None
        if timeout >= 0:
            return timeout if timeout < FOR_EVER else None
    except TypeError:
        raise TypeError(f"{name} must be a number of seconds or None, not {timeout!r}") from None
    raise ValueError(f"{name} must be a number of seconds or None, not {timeout!r}")


def is_over(timeout: float | None) -> bool:
    """Whether a wait of `timeout` seconds is over at once; TypeError, ValueError: see `limit_of`."""
    try:
        if timeout is None or timeout > 0:
            return False
    except TypeError:
        pass
    return limit_of(timeout) is None or timeout == 0


class Deadline:
    """A point in time `timeout` seconds from now; None: never."""

    __slots__ = ("_at",)

    def __init__(self, timeout: float | None) -> None:
        over = is_over(timeout)
        never = timeout is None or timeout >= FOR_EVER
        self._at = None if never else time.monotonic() + (0 if over else timeout or 0)

    def left(self) -> float | None:
        """Return how many seconds are left, at least 0; None: no limit."""
        return None if self._at is None else max(0.0, self._at - time.monotonic())


NEVER = Deadline(None)


class Waiter:
    """One thread's wait for one thing; any other thread wakes it, as often as it likes."""

    at_each_end = False
    """Whether it is woken whenever a task ends, not only when its condition is true."""
    __slots__ = ("_lock", "bell")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self.bell: Callable[[], object] | None = None
        """What its thread listens for meanwhile."""

    @property
    def woken(self) -> bool:
        """Whether it was woken, and no `wait` has told so."""
        return not self._lock.locked()

    def wake(self) -> None:
        if self._lock.locked():
            try:
                self._lock.release()
            except RuntimeError:
                return  # another thread woke it between the two lines
            bell = self.bell
            if bell is not None:
                bell()

    def wait(self, timeout: float | None = None) -> bool:
        """Return True once woken, False if `timeout` seconds (None: no limit) passed first."""
        left = float("inf") if timeout is None else max(0.0, timeout)
        while left > _SLICE:
            if self._lock.acquire(timeout=_SLICE):
                return True
            left -= _SLICE
        return self._lock.acquire(timeout=left)


class unheld:  # noqa: N801 (it is used like a function)
    """A context in which this thread does not hold `condition`.

    It does hold it where a signal handler, or a finalizer, has interrupted code that does; a wait would then keep the
    I/O thread from ever ending it. A Condition's own `wait` does the same.
    """

    __slots__ = ("_condition", "_state")

    def __init__(self, condition: threading.Condition) -> None:
        self._condition: Any = condition
        self._state: Any = None

    def __enter__(self) -> None:
        if self._condition._is_owned():
            self._state = self._condition._release_save()

    def __exit__(self, *_: object) -> None:
        if self._state is not None:
            self._condition._acquire_restore(self._state)


class LeftCondition(threading.Condition):
    """Stands in a forked child for a condition that its parent's threads notify: the first to hold it calls `end()`,
    which ends what could only be waited for in vain."""

    def __init__(self, end: Callable[[], object]) -> None:
        super().__init__()
        self._end: Callable[[], object] | None = end
        self._take = self.acquire
        self.acquire = self._acquire  # type: ignore[method-assign]  # an attribute of each condition

    def __enter__(self) -> bool:
        return self._acquire()

    def _acquire(self, *args: Any, **options: Any) -> bool:
        end, self._end = self._end, None
        if end is not None:
            end()
        return self._take(*args, **options)


Looks = Generator[float, None, None]
"""What is done while a wait lasts: it yields the seconds until it is to go on. Closed when the wait is over."""


def in_slices(wait: Callable[[float], object], timeout: float | None, looks: Looks) -> bool:
    """Return whether `wait(seconds)` came true within `timeout` seconds; meanwhile, `looks` go on."""
    deadline = NEVER if timeout is None else Deadline(timeout)
    try:
        for seconds in looks:
            left = deadline.left()
            if left is not None and left <= seconds:
                return bool(wait(left))
            if wait(seconds):
                return True
    finally:
        looks.close()
    return False


def together(*several: Looks) -> Looks:
    """Have all of `several` go on, each in its own time, until the last has ended."""
    due = [(0.0, number, looks) for number, looks in enumerate(several)]
    start = time.monotonic()
    try:
        while due:
            at, number, looks = heapq.heappop(due)
            if (left := at - (time.monotonic() - start)) > 0:
                yield left
            seconds = next(looks, None)
            if seconds is not None:
                heapq.heappush(due, (time.monotonic() - start + seconds, number, looks))
    finally:
        for looks in several:
            looks.close()


def every(seconds: float, look: Callable[[], object]) -> Looks:
    """Call `look()` every so many seconds."""
    while True:
        yield seconds
        look()


class CallbackThread:
    """Runs users' callbacks one after another, off the I/O thread, which must not be kept waiting."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._queue: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def here(self) -> bool:
        """Whether the caller runs on this thread, that is, within a callback."""
        return self._thread is threading.current_thread()

    def call(self, callback: Callable[[], object]) -> None:
        """Run `callback()` soon; an exception that it raises is logged."""
        self._queue.put(callback)
        if self._thread is None:
            thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            if self._thread is None:  # a finalizer may have been here meanwhile
                self._thread = thread
                self._start(thread)

    def _start(self, thread: threading.Thread) -> None:
        try:
            threads.start(thread)
        except RuntimeError:  # the interpreter is ending: nothing calls back any more
            self._thread = None

    def stop(self, *, wait: bool = True) -> None:
        """End the thread after the callbacks that are waiting; `wait` until it has ended."""
        if self._thread is not None:
            self._queue.put(None)
            if wait and not self.here:
                self._thread.join()

    def _run(self) -> None:
        while (callback := self._queue.get()) is not None:
            try:
                callback()
            except Exception:
                log.exception("a callback raised")
