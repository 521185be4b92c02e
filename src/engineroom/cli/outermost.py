"""What is around the work of every command: whole streams, errors in words, and a Ctrl-C that ends it without any."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Callable

from engineroom.errors import EngineroomError
from engineroom.machine.standard_streams import complete, drop, is_read, write

ENOUGH_READ = 141
"""The exit code that shells have for a command whose reader ended before it, as `head` does."""


def plain_ctrl_c() -> None:
    """Have SIGINT end this process, as if it were no Python, until something else is said.

    The start of a program is imports, and some modules in C do not survive a KeyboardInterrupt in theirs.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as by nohup and `&`
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def in_words(program: str, work: Callable[[], int]) -> int:
    """Return the exit code that `work()` returns, its output written; what goes wrong is a line on stderr."""
    complete()
    code = 1
    try:
        code = _done(program, work)
        if not getattr(sys.stdout, "closed", False):
            write(sys.stdout, "")
    except OSError as error:  # of the streams themselves: a pipe that nobody reads, a full disk
        drop(sys.stdout, error)
        return ENOUGH_READ if isinstance(error, BrokenPipeError) else code or 1
    return code


def _done(program: str, work: Callable[[], int]) -> int:
    try:
        return work()
    except SystemExit as end:  # such as after -h
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return 130
    except UnicodeEncodeError as error:
        print(f"{program}: {error.object!r} cannot be used as a name, because it is not UTF-8", file=sys.stderr)
        return 1
    except (EngineroomError, OSError) as error:
        if _is_of_output(error):
            drop(sys.stdout, error)
            return ENOUGH_READ if isinstance(error, BrokenPipeError) else 1
        print(f"{program}: {error}", file=sys.stderr)
        return int(getattr(error, "code", 1))


def _is_of_output(error: Exception) -> bool:
    """Return whether `error` says that the output can't be written: nobody reads it, or there is no room for it."""
    if isinstance(error, BrokenPipeError):
        return not is_read(sys.stdout)
    return (
        isinstance(error, OSError) and error.filename is None and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO}
    )
