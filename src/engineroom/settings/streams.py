"""What commands say, to whoever reads it: that nobody does, or that it can't be written, stops none of their work."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from typing import TextIO


def complete() -> None:
    """Have the three standard streams open, those that were closed on nothing, and able to say any character.

    Else what is opened next, such as a socket, would get their numbers, and what is printed would go there.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 (as long as the process)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 (as above)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # somebody's own stream
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def say(*lines: str, to: TextIO | None = None) -> None:
    """Print lines that are not what the command is for: if that can't be, the rest of what it would say is dropped."""
    stream = to or sys.stdout
    try:
        for line in lines:
            print(line, file=stream, flush=True)
    except OSError as error:
        drop(stream, error)


def drop(stream: TextIO, error: OSError) -> None:
    """Have what is written to `stream` from now on go nowhere; tell why, unless it is that nobody reads it."""
    if not isinstance(error, BrokenPipeError):
        with contextlib.suppress(OSError):
            print(f"the output can't be written: {error.strerror or error}", file=sys.stderr, flush=True)
    with contextlib.suppress(OSError, ValueError):  # not a file
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


def moves(stream: TextIO) -> bool:
    """Return whether `stream` is a terminal whose last line can be written anew."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def is_read(stream: TextIO) -> bool:
    """Return whether somebody may still read what is written to `stream`."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return True
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(descriptor, 0)
    return not any(event & select.POLLERR for _, event in poll.poll(0))
