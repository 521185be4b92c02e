"""Output of tasks: who wrote it, and how much of it is kept.

`sys.stdout` and `sys.stderr` are routers that find the writer's attempt in a context variable, which threads started
by a task inherit. What an attempt writes waits in its `TaskOutput` until the I/O thread takes it, every 50 ms.
"""

from __future__ import annotations

import codecs
import contextlib
import functools
import io
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from engineroom.engine.attempts import Attempt, Key
from engineroom.protocol.messages import Output
from engineroom.protocol.streams import Buffer

STDOUT, STDERR = 1, 2
_LONGEST = 128 * 1024
"""Characters in one message, so that it fits a record however they are encoded."""

writer: ContextVar[Attempt | None] = ContextVar("writer", default=None)
"""The attempt in whose name this context writes."""


class StreamOutput:
    """What one attempt wrote to one stream: its head goes out at once, of the rest the tail is kept to the end."""

    __slots__ = ("_head_left", "_tail", "_tail_limit", "_tail_size", "_waiting", "cut", "seq")

    def __init__(self, limit: int) -> None:
        """`limit`: characters, head and tail together."""
        self._head_left = limit - limit // 2
        self._tail_limit = limit // 2
        self._waiting: list[str] = []
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self.cut = 0
        self.seq = 0

    def write(self, text: str) -> None:
        size = len(text)
        if size <= self._head_left:
            self._head_left -= size
            self._waiting.append(text)
            return
        if self._head_left:
            self._waiting.append(text[: self._head_left])
            text = text[self._head_left :]
            self._head_left = 0
        self._write_tail(text)

    def take(self) -> str:
        """Return, once, what may go out now."""
        waiting, self._waiting = self._waiting, []
        return "".join(waiting)

    def take_rest(self) -> str:
        """Return all that is left at the end, with a line that says how much is missing in the middle."""
        missing = f"\n[... {self.cut} characters of output were cut here ...]\n" if self.cut else ""
        rest = f"{self.take()}{missing}{''.join(self._tail)}"
        self._tail.clear()
        return rest

    def _write_tail(self, text: str) -> None:
        if len(text) > self._tail_limit:
            self.cut += len(text) - self._tail_limit
            text = text[len(text) - self._tail_limit :]
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size > self._tail_limit:
            oldest = self._tail.popleft()
            excess = self._tail_size - self._tail_limit
            self._tail_size -= len(oldest)
            self.cut += min(excess, len(oldest))
            if excess < len(oldest):
                self._tail.appendleft(oldest[excess:])
                self._tail_size += len(oldest) - excess


class TaskOutput:
    """What one attempt wrote; written by its threads and taken by the I/O thread.

    `said`: the messages made of it so far, to be said again to a controller that may have missed them.
    """

    __slots__ = ("_closed", "_limit", "_lock", "_streams", "said")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.RLock()  # see Sink
        self._streams: dict[int, StreamOutput] = {}
        self._closed = False
        self.said: list[Output] = []

    def write(self, stream: int, text: str) -> bool:
        """Take `text`; False if it comes too late."""
        with self._lock:
            if self._closed:
                return False
            output = self._streams.get(stream)
            if output is None:
                output = self._streams[stream] = StreamOutput(self._limit)
            output.write(text)
            return True

    def take(self, key: Key, *, end: bool = False) -> list[Output]:
        """Return what may go out now, as output of the attempt `key`; at the `end` all that is left."""
        messages = []
        with self._lock:
            self._closed = end
            for stream, output in self._streams.items():
                text = output.take_rest() if end else output.take()
                for start in range(0, len(text), _LONGEST):
                    piece = _encodable(text[start : start + _LONGEST])
                    messages.append(Output(*key, stream, output.seq, piece))
                    output.seq += 1
        self.said += messages
        return messages


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


class Sink:
    """Where output goes: to the attempt that wrote it, or to the log when there is none."""

    def __init__(self, *, limit: int, log: Callable[[str], object]) -> None:
        """`limit`: characters kept of each stream of an attempt."""
        self._limit, self._log = limit, log
        # Reentrant, because a signal handler or a finalizer may print while its thread is in here.
        self._lock = threading.RLock()

    def write(self, attempt: Attempt | None, stream: int, text: str) -> None:
        if attempt is None or attempt.ended:
            self._log(text)
            return
        output = attempt.output
        if output is None:
            with self._lock:
                output = attempt.output = attempt.output or TaskOutput(self._limit)
        if not output.write(stream, text):
            self._log(text)


class Router(io.TextIOBase):
    """A text stream that writes in the name of the attempt that its context belongs to."""

    def __init__(self, stream: int, sink: Sink) -> None:
        self._stream, self._sink = stream, sink
        self._bytes = _ByteRouter(self)
        self._plain = False

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._plain:
            os.write(self._stream, text.encode("utf-8", "backslashreplace"))
        elif text:
            self._sink.write(writer.get(), self._stream, text)
        return len(text)

    def to_descriptor(self) -> None:
        """Write to the plain descriptor from now on: in a forked child nobody would take what we keep."""
        self._plain = True

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """Do nothing: the next task writes here as well."""

    @property
    def buffer(self) -> io.BufferedIOBase:
        return self._bytes

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    @property
    def name(self) -> str:
        return "<stdout>" if self._stream == STDOUT else "<stderr>"

    def reconfigure(self, **options: object) -> None:
        """Accept what `io.TextIOWrapper.reconfigure` does; there is nothing to change here."""


class _ByteRouter(io.BufferedIOBase):
    """Takes bytes for a router."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:  # type: ignore[override]
        raw = bytes(data)
        self._router.write(self._decoder.decode(raw))
        return len(raw)


@contextlib.contextmanager
def routed_output(sink: Sink) -> Iterator[tuple[Router, Router]]:
    """Replace `sys.stdout` and `sys.stderr` by the routers to `sink` that this yields."""
    before = sys.stdout, sys.stderr
    routers = Router(STDOUT, sink), Router(STDERR, sink)
    sys.stdout, sys.stderr = routers
    start = threading.Thread.start
    threading.Thread.start = _start_in_context  # type: ignore[method-assign,assignment]  # mypy names self otherwise
    try:
        yield routers
    finally:
        sys.stdout, sys.stderr = before
        threading.Thread.start = start  # type: ignore[method-assign]


_plain_start = threading.Thread.start


def _start_in_context(thread: threading.Thread) -> None:
    """Start a thread that writes in the name of the task that starts it.

    Only the writer is inherited, not the whole context: a thread's decimal context, say, is its own.
    """
    attempt = writer.get()
    if attempt is not None and "run" not in vars(thread):
        thread.run = functools.partial(_run_as, attempt, thread)  # type: ignore[method-assign]
    _plain_start(thread)


def _run_as(attempt: Attempt, thread: threading.Thread) -> None:
    writer.set(attempt)
    del thread.run
    thread.run()
