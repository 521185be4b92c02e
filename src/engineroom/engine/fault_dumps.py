"""The useful part of a dead engine's last output: its last lines and, from a stack dump, the user's frames."""

from __future__ import annotations

import os
import re

_LINES, _FRAMES, _LONGEST = 8, 6, 200
_DUMP = re.compile(r"(Fatal Python error: .*|Windows fatal exception: .*)$", re.MULTILINE)
_CURRENT = re.compile(r"^Current thread .*\n((?:  File .*\n?|  \.\.\.\n?)*)", re.MULTILINE)
_HERE = re.escape(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_OURS = re.compile(rf'"({_HERE}[/\\]|[^"]*-packages[/\\]IPython[/\\]|[^"]*python3\.\d+[/\\]asyncio[/\\]|<frozen )')


def digest(text: str) -> str:
    """Return the last lines of `text`, few and not too long; "" if it says nothing."""
    found = _DUMP.search(text)
    if found is None:
        return _last(text.splitlines())
    before, dump = text[: found.start()].splitlines(), text[found.start() :]
    current = _CURRENT.search(dump)
    frames = [] if current is None else [line for line in current[1].splitlines() if not _OURS.search(line)]
    return _last([*_nonempty(before)[-_LINES:], found[1], *frames[:_FRAMES]], _LINES + 1 + _FRAMES)


def _last(lines: list[str], most: int = _LINES) -> str:
    return "\n".join(line.rstrip()[:_LONGEST] for line in _nonempty(lines)[-most:])


def _nonempty(lines: list[str]) -> list[str]:
    return [line for line in lines if line.strip()]
