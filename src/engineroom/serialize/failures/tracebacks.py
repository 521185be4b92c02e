"""Tracebacks as text: what Python would print, of a bearable length, in characters that every screen can show."""

from __future__ import annotations

import re
from traceback import StackSummary, TracebackException, format_tb
from typing import Any

_HEAD, _TAIL = 20, 25
"""Frames that are shown of a deeper stack, after those that Python itself folds."""

_LONGEST_MESSAGE = 10_000
_LONGEST_TEXT = 200_000
_CELL = re.compile(r"<(cell \d+) \(\d+\)>")
"""How an engine calls a cell while another client's cell has the name."""

_REPEATED = re.compile(r"  \[Previous line repeated (\d+) more")


def message_of(exception: BaseException) -> str:
    """Return `str(exception)`, or what stands for it where that fails; a very long one is cut, and says so."""
    try:
        return printable(with_cell_names(bounded(str(exception), _LONGEST_MESSAGE)))
    except Exception:  # noqa: BLE001 -- the user's code
        return f"<{type(exception).__name__} that can't be printed>"


def traceback_text(exception: BaseException) -> str:
    """Return what Python would print, with causes, contexts, members of groups, and notes."""
    try:
        found = TracebackException(type(exception), exception, exception.__traceback__, compact=True)
        _fold(found)
        text = "".join(found.format())
    except Exception:  # noqa: BLE001 -- the user's __repr__ or attributes
        frames = ["Traceback (most recent call last):\n", *format_tb(exception.__traceback__)]
        text = "".join([*frames, f"{type(exception).__name__}: {message_of(exception)}"])
    return bounded(printable(with_cell_names(text.rstrip("\n"))), _LONGEST_TEXT)


def with_cell_names(text: str) -> str:
    """Return `text` with cells under the names that their own client knows."""
    return _CELL.sub(r"<\1>", text) if ")>" in text else text


def bounded(text: str, limit: int) -> str:
    """Return `text`, its middle left out if it is longer than about `limit` characters."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} of {len(text)} characters left out ...\n{text[-half:]}"


def printable(text: str) -> str:
    """Return `text` as an exact str, with escapes for what no encoding has."""
    return text.encode("utf-8", "backslashreplace").decode()


class _Stack(StackSummary):
    """Frames of which the middle is left out if there are very many."""

    def format(self, **options: Any) -> list[str]:
        """Return the frames as Python prints them, each with its source. `options`: those of later versions."""
        lines = super().format(**options)
        if len(lines) <= _HEAD + _TAIL + 1:
            return lines
        hidden = sum(_frames_in(line) for line in lines[_HEAD:-_TAIL])
        return [*lines[:_HEAD], f"  [... {hidden} more frames ...]\n", *lines[-_TAIL:]]


def _frames_in(line: str) -> int:
    repeated = _REPEATED.match(line)
    return int(repeated[1]) if repeated else 1


def _fold(shown: TracebackException) -> None:
    """Fold the stacks of `shown` and of all that it is chained to, and shorten their messages."""
    waiting: list[TracebackException | None] = [shown]
    while waiting:
        link = waiting.pop()
        if link is not None:
            link.stack = _Stack(link.stack)
            message = getattr(link, "_str", None)  # before it is formatted: of 50 MB that takes seconds
            if isinstance(message, str):
                setattr(link, "_str", bounded(message, _LONGEST_MESSAGE))  # noqa: B010 (no other name for it)
            waiting += [link.__cause__, link.__context__, *(link.exceptions or ())]
