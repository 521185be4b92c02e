"""The progress display of a waiting call: one changing line on a terminal, otherwise a line per change."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from typing import TextIO

from engineroom.machine.standard_streams import UNUSABLE, is_terminal, moves, write


class LiveLine:
    """Shows words in place of those before."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._kernel = type(stream).__module__.startswith("ipykernel")
        self.in_place = moves(stream) or self._kernel
        self._shown = ""
        self._width = 0

    @property
    def shown(self) -> bool:
        """Whether it shows something."""
        return bool(self._shown)

    def show(self, words: str) -> None:
        words = " ".join(words.split())  # on one line
        if words == self._shown:
            return
        self._shown = words
        if self._kernel:  # a notebook goes back to the start of a line, and erases nothing
            self._write(f"\r{words.ljust(self._width)}")
            self._width = max(self._width, len(words))
        elif self.in_place:
            width = shutil.get_terminal_size().columns - 1
            self._write(f"\r{words[:width]}\x1b[K")
        else:
            self._write(f"{words}\n")

    def end(self) -> None:
        """Leave no half line behind."""
        if self.in_place and self._shown:
            self._write(f"\r{' ' * self._width}\r" if self._kernel else "\r\x1b[K")
        self._shown = ""

    def _write(self, text: str) -> None:
        try:
            write(self._stream, text)
        except UNUSABLE:  # nobody sees it; the wait goes on
            self._stream = None


def somebody_looks() -> bool:
    """Whether a person is likely to see what is shown: at a terminal, in IPython or a notebook."""
    if os.environ.get("IPP_NONINTERACTIVE"):
        return False
    ipython = sys.modules.get("IPython")
    return is_terminal(sys.stderr) or (ipython is not None and ipython.get_ipython() is not None)


def say(words: str, log: logging.Logger, *, aloud: bool = False) -> None:
    """Print `words` to stderr if somebody looks, or if it is to be said `aloud` in any case; else log them."""
    if aloud or somebody_looks():
        print(f"engineroom: {words}", file=sys.stderr, flush=True)
    else:
        log.warning("%s", words)
