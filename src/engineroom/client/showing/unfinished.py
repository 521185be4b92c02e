"""A line that is shown as long as it has no end, such as a progress bar that a task prints."""

from __future__ import annotations

import shutil
from typing import TextIO

from engineroom.client.progress.screen import screen
from engineroom.client.showing.terminal_text import cleaned
from engineroom.machine.standard_streams import UNUSABLE, moves, write


class UnfinishedLine:
    """Shows a line at the end of a terminal, unless something else is shown there, or of a cell's output."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._kernel = is_kernel(stream)
        self._usable = self._kernel or moves(stream)
        self._width = 0

    def show(self, text: str) -> None:
        """Show `text` in place of what was shown before, where lines can be written anew."""
        if not self._usable:
            return
        text = cleaned(text, colours=False).expandtabs()
        with screen.held():
            if self._kernel or screen.take(self):
                self._write(text)

    def clear(self) -> None:
        """Leave nothing behind of what was shown."""
        if self._width:
            self._write("")
            self._width = 0
        screen.leave(self)

    def _write(self, text: str) -> None:
        if self._kernel:  # a notebook goes back to the start of a line, and erases nothing
            line = f"\r{text.ljust(self._width)}" if text else f"\r{' ' * self._width}\r"
        else:
            line = f"\r{text[: shutil.get_terminal_size().columns - 1]}\x1b[K"
        self._width = len(text)
        try:
            write(self._stream, line)
        except UNUSABLE:  # nobody sees it
            self._usable = False


def is_kernel(stream: object) -> bool:
    """Whether what is written to `stream` goes to a notebook."""
    return type(stream).__module__.startswith("ipykernel")
