"""What we say, to whoever reads it: that nobody does, or that it can't be written, stops no work.

A standard stream may be None (daemons, `pythonw`), closed, a pipe that nobody reads, or an object of somebody's own
that has no more than `write`.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from typing import Any, TextIO

UNUSABLE = (OSError, ValueError, AttributeError, TypeError)
"""What a stream raises that is closed, gone, or not much of a stream."""


def fill_descriptors() -> None:
    """Have descriptors 0 to 2 open, those that were closed on nothing.

    Else what is opened next, such as a socket, would get their numbers, and what C code prints would go there.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one


def complete() -> None:
    """Have the three standard streams open, those that were closed on nothing, and able to say any character."""
    fill_descriptors()
    if not _usable(sys.stdout):
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 (as long as the process)
    if not _usable(sys.stderr):
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 (as above)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(*UNUSABLE):  # somebody's own stream
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def say(*lines: str) -> None:
    """Print lines that are not what a command is for: if that can't be, the rest of what it would say is dropped."""
    say_to(sys.stdout, *lines)


def say_to(stream: TextIO | None, *lines: str) -> None:
    """Print lines to `stream`; as `say`."""
    try:
        for line in lines:
            write(stream, f"{line}\n")
    except UNUSABLE as error:
        drop(stream, error)


def write(stream: TextIO | None, text: str) -> None:
    """Write `text` at once to a stream that may be None, or have no `flush`. It may raise any of `UNUSABLE`."""
    if stream is not None:
        stream.write(text)
        if hasattr(stream, "flush"):
            stream.flush()


def drop(stream: TextIO | None, error: Exception) -> None:
    """Have what is written to `stream` from now on go nowhere; tell why, unless it is that nobody reads it."""
    if not isinstance(error, BrokenPipeError):
        with contextlib.suppress(*UNUSABLE):
            words = getattr(error, "strerror", None) or error
            write(sys.stderr, f"the output can't be written: {words}\n")
    if stream is not None and isinstance(error, OSError):
        with contextlib.suppress(*UNUSABLE):  # not a file
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, stream.fileno())
            os.close(nothing)


def is_terminal(stream: Any) -> bool:
    """Return whether `stream` is a terminal; one that can't say is none."""
    try:
        return bool(stream.isatty())
    except UNUSABLE:
        return False


def moves(stream: TextIO | None) -> bool:
    """Return whether `stream` is a terminal whose last line can be written anew."""
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def is_read(stream: TextIO | None) -> bool:
    """Return whether somebody may still read what is written to `stream`."""
    try:
        descriptor = stream.fileno()  # type: ignore[union-attr]
    except UNUSABLE:
        return True
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(descriptor, 0)
    return not any(event & select.POLLERR for _, event in poll.poll(0))


def _usable(stream: TextIO | None) -> bool:
    return stream is not None and not getattr(stream, "closed", False)
