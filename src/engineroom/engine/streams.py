"""`sys.stdin`, `sys.stdout` and `sys.stderr` of an engine.

The outputs are routers that find the writer's attempt in a context variable, which threads started by a task inherit.
A task may do with them whatever it likes: wrap, close, detach or replace them. The next one finds them as they were.
"""

from __future__ import annotations

import codecs
import contextlib
import functools
import io
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from engineroom.engine.attempts import Attempt
from engineroom.engine.capture import STDERR, STDOUT, Sink, writer
from engineroom.engine.keyboard import NoKeyboard
from engineroom.protocol.streams import Buffer


class Router(io.TextIOBase):
    """A text stream that writes in the name of the attempt that its context belongs to."""

    line_buffering = write_through = True  # as those of a TextIOWrapper that keeps nothing back

    def __init__(self, stream: int, sink: Sink) -> None:
        self._stream, self._sink, self._note = stream, sink, sink.note
        self._bytes = _ByteRouter(self)
        self._plain = False

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._plain:
            os.write(self._stream, text.encode("utf-8", "backslashreplace"))
        elif text:
            if self._note is not None:
                self._note(text)
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

    def detach(self) -> Any:
        """Return the stream of bytes; this one stays usable, for the next task writes here."""
        return self._bytes

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

    @property
    def mode(self) -> str:
        return "w"

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

    def fileno(self) -> int:
        return self._router.fileno()

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """Do nothing: a wrapper that a task has made around this closes it when that is forgotten."""

    def detach(self) -> Any:
        """Return itself: there is nothing below."""
        return self

    @property
    def raw(self) -> Any:  # for those who look below the buffer
        return self

    @property
    def name(self) -> str:
        return self._router.name

    @property
    def mode(self) -> str:
        return "wb"


class Streams:
    """The two routers and the input, and whether they are where they belong."""

    def __init__(self, sink: Sink) -> None:
        self.stdin = NoKeyboard()
        self.stdout, self.stderr = Router(STDOUT, sink), Router(STDERR, sink)

    def install(self) -> None:
        sys.stdin, sys.stdout, sys.stderr = self.stdin, self.stdout, self.stderr

    def settle(self) -> None:
        """At the end of a task: what it put in our place says what it kept back, and goes."""
        try:
            settled = sys.stdout is self.stdout and sys.stderr is self.stderr and sys.stdin is self.stdin
        except AttributeError:  # one was deleted
            settled = False
        if settled:
            return
        for stream in (getattr(sys, "stdout", None), getattr(sys, "stderr", None)):
            if stream is not None:
                with contextlib.suppress(BaseException):  # user code, some of it closed
                    stream.flush()
        self.install()

    def to_descriptors(self) -> None:
        """In a forked child: write to the plain descriptors from now on."""
        for router in (self.stdout, self.stderr):
            router.to_descriptor()


@contextlib.contextmanager
def routed_output(sink: Sink) -> Iterator[Streams]:
    """Replace `sys.stdout` and `sys.stderr` by the routers to `sink` that this yields."""
    before = sys.stdin, sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
    streams = Streams(sink)
    streams.install()
    sys.__stdout__, sys.__stderr__ = streams.stdout, streams.stderr  # type: ignore[misc,assignment]
    start = threading.Thread.start
    threading.Thread.start = _start_in_context  # type: ignore[method-assign,assignment]  # mypy names self otherwise
    try:
        yield streams
    finally:
        sys.stdin, sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__ = before  # type: ignore[misc]
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
