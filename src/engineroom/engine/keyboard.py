"""`sys.stdin` of an engine, which has no keyboard."""

from __future__ import annotations

import io
import sys

_WORDS = (
    "an engine has no keyboard: input(), getpass() and debuggers do not work there. Pass the function's input as "
    "arguments, and debug it in your own session"
)

_CONVERSATIONS = frozenset({"IPython", "cmd", "code", "pydoc"})
"""What talks with a person (`pdb` is a `cmd`), and takes the end of its input for a goodbye."""


class NoKeyboard(io.TextIOBase):
    """An input that is at its end; reading a line raises EOFError with an explanation, as `input()` does.

    Debuggers and other conversations get a RuntimeError instead: to an EOFError they would answer by ending the task
    without a word.
    """

    encoding = "utf-8"
    errors = "strict"

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> str:
        """Return "", for there is nothing to read."""
        del size
        return ""

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        del size
        asks = str(sys._getframe(1).f_globals.get("__name__", "")).partition(".")[0]
        raise (RuntimeError if asks in _CONVERSATIONS else EOFError)(_WORDS)

    def __next__(self) -> str:  # type: ignore[override]
        raise StopIteration

    @property
    def buffer(self) -> io.BufferedIOBase:
        return io.BytesIO()

    def fileno(self) -> int:
        return 0

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """Do nothing: the next task has it as well."""
