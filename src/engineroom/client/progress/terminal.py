"""Progress on a terminal: a bar, and below it what goes on, written anew each time."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from engineroom.client.progress.screen import screen
from engineroom.client.progress.standing import Standing, in_a_line
from engineroom.machine.standard_streams import UNUSABLE, write

_WIDEST, _NARROWEST, _NAME = 40, 8, 30
"""Columns of a bar, and of the name before it."""


class Terminal:
    """Shows progress at the end of a terminal, unless something else is shown there."""

    def __init__(self, stream: TextIO | None, *, lasting: bool, console: Console | None = None) -> None:
        """`lasting`: the end stays to be seen. `console`: what knows the terminal's size and colours."""
        self._stream, self.lasting = stream, lasting
        self._console = console or Console(file=stream, force_jupyter=False, force_interactive=False)
        self._rows = 0

    def show(self, standing: Standing) -> None:
        with screen.held():
            if screen.take(self):
                rows = [row for part in self._parts(standing) if (row := self._row(part))]
                self._write(f"{self._back()}{chr(10).join(f'{row}{_ERASE}' for row in rows)}{_ERASE_BELOW}")
                self._rows = len(rows)

    def clear(self) -> None:
        if self._rows:
            self._write(f"{self._back()}{_ERASE_BELOW}")
            self._rows = 0

    def end(self, standing: Standing) -> None:
        with screen.held():
            try:
                self.clear()
                if self.lasting and screen.take(self):
                    self._write(f"{self._row(_bar(standing))}\n")
            finally:
                screen.leave(self)

    def _parts(self, standing: Standing) -> list[RenderableType]:
        if standing.lone:
            return [Text(str(standing))]
        words = in_a_line(standing.words)
        return [_bar(standing), *([Text(f"  {words}", style="dim")] if words else [])]

    def _row(self, part: RenderableType) -> str:
        """Return one row of the terminal, as it is written; a column less than there are, or the cursor would wrap."""
        console = self._console
        width = max(1, console.width - 1)
        options = console.options.update(width=width, no_wrap=True, overflow="ellipsis", highlight=False)
        line = Segment.adjust_line_length(console.render_lines(part, options, pad=False)[0], width, pad=False)
        with console.capture() as captured:
            console.print(Segments(line), end="", no_wrap=True)
        return captured.get().partition("\n")[0]

    def _back(self) -> str:
        """Return what moves to the start of the first row."""
        return "\r" + f"\x1b[{self._rows - 1}A" * (self._rows > 1)

    def _write(self, text: str) -> None:
        try:
            write(self._stream, text)
        except UNUSABLE:  # nobody sees it; the wait goes on
            self._stream = None


_ERASE, _ERASE_BELOW = "\x1b[K", "\x1b[J"


def _bar(standing: Standing) -> RenderableType:
    counts = standing.counts
    name = Text(standing.name, no_wrap=True, overflow="ellipsis")
    if standing.lone:
        return Text.assemble(name, f"  {standing.times}")
    row = Table.grid(padding=(0, 1), expand=False)
    row.add_column(max_width=_NAME, no_wrap=True, overflow="ellipsis")
    row.add_column(min_width=_NARROWEST, max_width=_WIDEST)
    row.add_column(no_wrap=True)
    row.add_column(no_wrap=True, overflow="ellipsis")
    times = Text(standing.times, style="red" if counts.failed else "")
    colour = "red" if counts.failed else "green" if counts.done >= counts.total else "cyan"
    bar = ProgressBar(total=counts.total, completed=counts.done, complete_style=colour, finished_style=colour)
    row.add_row(name, bar, Text(standing.amount), times)
    return row
