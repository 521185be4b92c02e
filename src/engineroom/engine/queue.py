"""The engine's queue: the arbiter of what starts and what is given back.

`Start` (by the main thread) and `Revoke` (by the I/O thread) are atomic here: an attempt is started once or
revoked, never both. No sockets and no clock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from engineroom.engine.attempts import Attempt
from engineroom.engine.lanes import DirectLanes
from engineroom.engine.task_output import Key


class Wakeup(Protocol):
    """A lock, as far as it is needed: whoever waits acquires it, and others release it."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002 (as locks have it)
        """Wait for a `release`."""
        ...

    def release(self) -> None:
        """End one wait."""


class TaskQueue:
    """Attempts, direct ones first, each client's in order; then balanced ones.

    A direct attempt that is not ready (its body is still arriving) blocks later direct ones of its client; a
    balanced one is passed over.
    """

    def __init__(self, wakeup: Wakeup | None = None) -> None:
        """`wakeup`: what the main thread waits on; None: a lock."""
        self._lock = threading.Lock()
        self._direct = DirectLanes()
        self._balanced: deque[Attempt] = deque()  # the ready ones only
        self._queued: dict[Key, Attempt] = {}
        self._idle = False
        self._closed = False
        self._held: frozenset[str] = frozenset()
        """Why nothing is started for now."""
        self._halted = False
        """Closed or held."""
        self._wakeup: Wakeup = wakeup or threading.Lock()
        self._wakeup.acquire()
        self._looking, self._poked = False, False
        self.running: Attempt | None = None
        self.between: deque[tuple[Attempt, Callable[[], object]]] = deque()
        """What is to be run between two tasks, and for no task."""
        self.runs_between: Attempt | None = None
        """What stands for the task while such a thing runs."""
        self.on_news: Callable[[], object] | None = None
        """Told whenever something may have become startable, with the lock held."""
        self.waiting: list[Attempt] = []
        """Those that have started, and wait for tasks of their own: the last of them, or something for it, runs."""

    def add(self, attempts: Iterable[Attempt]) -> None:
        """Append attempts; one that is already here is dropped."""
        with self._lock:
            queued = self._queued
            started = self._started() if self.running is not None or self.waiting else ()
            for attempt in attempts:
                key = attempt.key
                if key in queued or key in started:
                    continue
                queued[key] = attempt
                if attempt.run.direct:
                    self._direct.append(attempt)
                elif attempt.ready:
                    self._balanced.append(attempt)
            self._wake_if_idle()

    def make_ready(self, attempt: Attempt) -> None:
        """Say that `attempt` lacks nothing any more."""
        with self._lock:
            if attempt.ready or not attempt.queued:
                return
            attempt.ready = True
            if not attempt.run.direct and attempt.key in self._queued:  # else it is about to be added
                self._balanced.append(attempt)
            self._wake_if_idle()

    def revoke(self, key: Key) -> bool:
        """Give an attempt back; False if it has started. One that was never here counts as given back."""
        with self._lock:
            attempt = self._queued.get(key)
            if attempt is None:
                return key not in self._started()
            if attempt.announced and attempt.ready:
                return False
            self._drop(attempt)
            self._wake_if_idle()  # it may have kept others of its client waiting
            return True

    def revoke_all(self, keys: Iterable[Key]) -> tuple[list[Key], list[Key]]:
        """Give attempts back; return which were, and which have started."""
        gone: list[Key] = []
        started: list[Key] = []
        with self._lock:
            running = self._started()
            for key in keys:
                attempt = self._queued.get(key)
                if (attempt is None and key in running) or (attempt is not None and attempt.announced):
                    started.append(key)
                    continue
                gone.append(key)
                if attempt is not None:
                    self._drop(attempt)
            self._wake_if_idle()
        return gone, started

    def drop_incomplete(self) -> None:
        """Forget the attempts to which something is still arriving: the connection that brought it is gone."""
        with self._lock:
            for attempt in tuple(self._queued.values()):
                incomplete = attempt.body is not None and not attempt.body.complete
                if not attempt.ready and (incomplete or attempt.lacks):
                    self._drop(attempt)
            self._wake_if_idle()

    def close(self) -> None:
        """Start nothing more."""
        with self._lock:
            self._closed = self._halted = True
            self._wake_if_idle()

    def hold(self, held: bool, why: str = "full") -> None:  # noqa: FBT001 (what it is told is all that it is about)
        """Start nothing for now because of `why`, or go on if there is no other reason."""
        with self._lock:
            self._held = self._held | {why} if held else self._held - {why}
            self._halt()
            self._wake_if_idle()

    def run_between(self, attempt: Attempt, run: Callable[[], object]) -> None:
        """Have the main thread run something before it starts another task; `attempt` stands for the task."""
        with self._lock:
            self.between.append((attempt, run))
            self._halt()  # that nothing is started for now makes it look here
            self._wake_if_idle()

    def take_between(self) -> Callable[[], object]:
        """Return what is to be run now; there is something in `between`."""
        with self._lock:
            self.runs_between, run = self.between.popleft()
            return run

    def end_between(self) -> None:
        """Say that it has run; a task may come before the next."""
        with self._lock:
            self.runs_between = None
            self._halt()
            self._wake_if_idle()

    def _halt(self) -> None:
        self._halted = bool(self._held or self.between) or self._closed

    def start_next(self) -> Attempt | None:
        """Start and return the next attempt; None: there is nothing to start now."""
        with self._lock:
            if self._halted or not self._queued:
                return None
            self.running = attempt = self._pop()
            return attempt

    def finish(self) -> None:
        """Say that the running attempt has ended."""
        self.running = None

    def put_back(self, attempt: Attempt) -> None:
        """Take back an attempt that was started too early; it waits for `make_ready`."""
        with self._lock:
            self.running = None
            attempt.queued, attempt.ready = True, False
            self._queued[attempt.key] = attempt
            if attempt.run.direct:
                self._direct.put_back(attempt)

    def wait(self) -> bool:
        """Block until there is something to start; False when the queue is closed."""
        with self._lock:
            if self._closed:
                return False
            if self.between or (not self._held and self._startable()):
                return True
            self._idle = True
        self._wakeup.acquire()
        return not self._closed

    def start_within(self, task: bytes) -> Attempt | None:
        """Start and return the next attempt that runs on behalf of `task`, which waits; None: there is none now."""
        with self._lock:
            if self._held or self._closed:
                return None
            for attempt in self._queued.values():
                within = attempt.within or attempt.run.within
                if attempt.ready and (within == task or (within and attempt.run.direct)):
                    attempt.queued = False
                    del self._queued[attempt.key]
                    self.running = attempt
                    return attempt
            return None

    def wait_within(self, seconds: float) -> None:
        """Block until something has been added, or made ready, or `poke` is called, or `seconds` have passed.

        What has happened since this returned last counts as well: look at everything between two calls.
        """
        with self._lock:
            poked, self._poked = self._poked, False
            if self._closed or poked:
                return
            self._idle = self._looking = True
        try:
            self._wakeup.acquire(timeout=seconds)
        finally:
            with self._lock:
                if self._idle:
                    self._idle = False
                else:
                    self._wakeup.acquire(blocking=False)
                self._looking = False

    def poke(self) -> None:
        """Have whoever is in `wait_within` look again."""
        with self._lock:
            self._poked = True
            self._wake_if_idle()

    def runs_within(self, key: Key, task: bytes) -> None:
        """Say that a queued attempt runs on behalf of `task`."""
        with self._lock:
            attempt = self._queued.get(key)
            if attempt is not None:
                attempt.within = task
            self._poked = True
            self._wake_if_idle()

    def held(self) -> tuple[list[Key], list[Key]]:
        """Return what runs, or waits for tasks of its own, and what has not started, both at one moment."""
        with self._lock:
            return list(self._started()), list(self._queued)

    @property
    def length(self) -> int:
        """How many have not started; a guess, for it takes no lock."""
        return len(self._queued)

    @property
    def more(self) -> bool:
        """Whether anything has not started; a guess, for it takes no lock."""
        return bool(self._queued)

    @property
    def busy(self) -> bool:
        """Whether something runs or could start."""
        with self._lock:
            return self.running is not None or (not self._held and self._startable())

    def _pop(self) -> Attempt | None:
        attempt = self._direct.first() if self._direct else None
        if attempt is not None:
            self._direct.take(attempt)
        else:
            attempt = self._first_balanced()
            if attempt is None:
                return None
            self._balanced.popleft()
        attempt.queued = False
        del self._queued[attempt.key]
        return attempt

    def _first_balanced(self) -> Attempt | None:
        while self._balanced and not self._balanced[0].queued:
            self._balanced.popleft()
        return self._balanced[0] if self._balanced else None

    def _startable(self) -> bool:
        return bool(self._queued) and (self._first_balanced() is not None or self._direct.first() is not None)

    def _drop(self, attempt: Attempt) -> None:
        attempt.queued = False
        attempt.body = None
        del self._queued[attempt.key]

    def _started(self) -> dict[Key, None]:
        """Return what waits for tasks of its own, and what runs."""
        started = dict.fromkeys(attempt.key for attempt in self.waiting)
        if self.running is not None:
            started[self.running.key] = None
        return started

    def _wake_if_idle(self) -> None:
        if self.on_news is not None:
            self.on_news()
        if self._looking:
            self._poked = True
        if self._idle and (
            self._looking or self._closed or (not self._held and self._startable()) or bool(self.between)
        ):
            self._idle = False
            self._wakeup.release()
