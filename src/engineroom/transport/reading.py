"""The reading end of a connection, for its loop and for one thread at a time that waits for what comes.

Handing what has come from the I/O thread to the thread that waits for it costs a wake-up, which is a good part of a
lone call's round trip. So a thread that has nothing else to do may read itself. It takes what it understands, one
whole record; everything else it leaves to the loop, as if that had read it.

The loop watches an epoll that watches the socket. A thread that begins to read, or ends, switches that on and off with
a system call, and wakes nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import threading
from collections.abc import Callable
from typing import Any, Protocol

from engineroom.transport.bell import Bell

_AT_ONCE = (False,)

_ROUNDS = 16
"""The loop reads so often in one go while there is more than fits."""

_PAUSE = 0.005
"""Seconds for which the loop looks away from a socket that is broken while another thread is about to find that out."""

_BROKEN = getattr(select, "EPOLLHUP", 0) | getattr(select, "EPOLLERR", 0)

_NOTHING_THERE = (BlockingIOError, InterruptedError)

POSSIBLE = hasattr(select, "epoll") and hasattr(os, "eventfd")


def new_poll(*descriptors: int) -> Any:
    """Return what waits until one of these can be read."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return poll


class Source(Protocol):
    """A connection, as its reading end sees it. In the loop's thread, except `target_here` and `lone`."""

    def target(self) -> memoryview:
        """Return where the next bytes of the socket belong."""

    def arrived(self, count: int) -> None:
        """So many bytes are there."""

    def target_here(self) -> memoryview:
        """The same as `target`, for another thread."""

    def lone(self, turn: Turn) -> list[Any] | None:
        """Return the messages of what another thread has read, if that is one whole record and nothing else."""

    def take_left(self, turn: Turn) -> None:
        """Take what another thread has read, and has not taken itself."""

    def ended(self, error: OSError | None) -> None:
        """The socket brings nothing more."""

    @property
    def is_midway(self) -> bool:
        """Whether something has come in part: better that the loop reads on."""

    @property
    def is_closing(self) -> bool:
        """Whether nothing is wanted any more."""


class Turn:
    """One thread's turn at reading. `left`: the loop has to end it; then the thread touches nothing any more.

    A handler of a signal may interrupt the thread at any call, and raise, or wait itself. So whatever a call returns
    that is not to be lost goes into a list, by one more call that cannot be interrupted.
    """

    opening = False
    """Whether TLS has been given what was read."""
    opened: int | None = None
    """How many bytes that made."""
    taken = False
    """Whether the thread has taken them."""
    rest: Callable[[], object] | None = None
    """What is still to be done about what it has taken, in any thread; once more does no harm."""
    error: OSError | None = None
    left = over = False

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.locked: list[bool] = []
        self.counts: list[int] = []
        """How many bytes have been read."""

    @property
    def begun(self) -> bool:
        return bool(self.locked) and self.locked[0] and not self.over


class Reading:
    """Who reads a socket: its loop, unless another thread has its turn."""

    def __init__(self, source: Source, sock: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._source, self._loop = source, loop
        # A socket of its own, so that a number that is used again is never read from.
        self._socket = socket.socket(fileno=os.dup(sock.fileno()))
        self._socket.settimeout(0.0)
        self.descriptor = self._socket.fileno()
        self._receive = self._socket.recv_into
        self._lock = threading.Lock()  # held by whoever reads
        self._turns: set[Turn] = set()
        """Of other threads: what has begun, and what may be about to."""
        self._wanted: Callable[[], object] | None = None
        self._bell = Bell()
        self.ring = self._bell.ring
        """Has the loop look whether a turn was left to it."""
        self._epoll = select.epoll()
        self._epoll.register(self.descriptor, select.EPOLLIN)
        self._epoll.register(self._bell.number, select.EPOLLIN)
        self._watched = self._epoll.fileno()
        self.closed = False
        loop.add_reader(self._watched, self._ready)

    def begin(self, turn: Turn, wanted: Callable[[], object] | None = None) -> bool:
        """Begin a turn, and return True; False if the loop reads now: it calls `wanted()` when a turn may begin."""
        self._wanted = wanted
        if self.closed or self._source.is_midway:
            return False
        self._turns.add(turn)  # first: whoever interrupts this finds it
        turn.locked.extend(map(self._lock.acquire, _AT_ONCE))
        if not turn.locked[0]:
            self._turns.discard(turn)
            return False
        self._wanted = None
        try:
            self._epoll.modify(self.descriptor, 0)
        except ValueError:  # a handler has left this turn to the loop, and the connection is over since
            return False
        return True

    def receive(self, turn: Turn) -> list[Any] | None:
        """Return the messages that have come, to be taken (`turn.taken`); None: leave the turn, unless nothing came."""
        once = map(self._receive, (self._source.target_here(),))
        if turn.left:
            return None
        try:
            turn.counts.extend(once)
        except _NOTHING_THERE:
            return None
        except OSError as error:
            turn.error = error
            return None
        return self._source.lone(turn)

    def end(self, turn: Turn) -> None:
        """End a turn: nothing was read, or all that was has been taken."""
        release = self._lock.release
        try:
            self._epoll.modify(self.descriptor, select.EPOLLIN)
        except ValueError:  # as in `begin`
            return
        if turn.left:
            return
        turn.over = True
        release()
        self._turns.discard(turn)

    def leave(self, turn: Turn) -> None:
        """Have the loop end a turn."""
        turn.left = True
        self._bell.ring()

    def leave_here(self) -> None:
        """Have the loop end the turn of this thread, if it has one: this is a handler that has interrupted it."""
        if self._turns:
            here = threading.get_ident()
            for turn in tuple(self._turns):
                if turn.thread == here and turn.begun and not turn.left:
                    self.leave(turn)

    def close(self) -> None:
        """Read nothing any more, for this connection is over; whoever has a turn is told by others."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._watched)
        with contextlib.suppress(OSError):  # the far end has gone first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._give_back_when_free()

    def _give_back_when_free(self) -> None:
        """Give the descriptors back once no thread has them in hand: another socket may have the numbers then."""
        left = self._left()
        if left is not None:
            left.over = True
        if left is not None or self._lock.acquire(blocking=False):  # for good: no turn begins any more
            self._give_back()
        else:
            self._loop.call_later(_PAUSE, self._give_back_when_free)

    def __del__(self) -> None:
        self._give_back()  # if the loop has ended before

    def _give_back(self) -> None:
        self._epoll.close()
        self._socket.close()

    def descriptors(self) -> tuple[int, ...]:
        """Return the numbers of what a forked child has no part in."""
        return () if self.closed else (self.descriptor, self._watched, self._bell.number)

    def _ready(self) -> None:
        if self._source.is_closing:
            self.close()
            return
        left: Turn | None = None
        if not self._lock.acquire(blocking=False):
            self._bell.hush()  # first: what rings now is heard later
            left = self._left()
            if left is None:
                self._look_away()
                return
        try:
            if left is not None:
                left.over = True
                self._epoll.modify(self.descriptor, select.EPOLLIN)
                self._source.take_left(left)
            else:
                self._read()
        finally:
            self._lock.release()
        wanted = self._wanted
        if wanted is not None and not self._source.is_midway:
            self._wanted = None
            wanted()

    def _left(self) -> Turn | None:
        """Return the turn that was left to the loop, if one was."""
        for turn in tuple(self._turns):
            if turn.over:
                self._turns.discard(turn)
            elif turn.left and turn.begun:
                self._turns.discard(turn)
                return turn
        return None

    def _look_away(self) -> None:
        """Another thread has its turn. Only that the socket is broken is told all the same, again and again."""
        if any(event & _BROKEN for _, event in self._epoll.poll(0)):
            self._loop.remove_reader(self._watched)
            self._loop.call_later(_PAUSE, self._look_again)

    def _look_again(self) -> None:
        if not self.closed:
            self._loop.add_reader(self._watched, self._ready)

    def _read(self) -> None:
        source = self._source
        for _ in range(_ROUNDS):
            target = source.target()
            try:
                count = self._receive(target)
            except _NOTHING_THERE:
                self._bell.hush()
                return
            except OSError as error:
                source.ended(error)
                return
            if not count:
                source.ended(None)
                return
            source.arrived(count)
            if count < len(target) or source.is_closing:
                return
