"""Showing what tasks write while they run, in the thread that waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from engineroom.client.showing.folding import Section, spelled
from engineroom.client.showing.items import key_of, labelled, show_item
from engineroom.client.showing.live_folding import Item, LiveFolding
from engineroom.client.showing.screens import Screen, screen_here
from engineroom.client.showing.shown_so_far import ShownSoFar
from engineroom.client.state.watchers import Kind, Piece, Pieces
from engineroom.client.waiting.waits import Deadline

if TYPE_CHECKING:
    from engineroom.client.state.tasks import Task

_TEXT = (Kind.STDOUT, Kind.STDERR)
_UNFINISHED = 0.3
"""Seconds after which a line without an end, such as a progress bar, is shown for now, where that can be."""


class Live:
    """Shows pieces as they come, folded; not what ends cells, which is raised. `values`: show the values of cells."""

    def __init__(
        self,
        tasks: Iterable[Task],
        *,
        fold: bool = True,
        values: bool = True,
        screen: Screen | None = None,
    ) -> None:
        self._running = {id(task): task for task in tasks}
        self._folding = LiveFolding(self._running, fold=fold)
        self.values = values
        self._engines: set[int] = {task.engine for task in self._running.values()}
        self._counts: dict[int, int] = {}
        """The numbers of the cells that had a value, by engine."""
        self._unfinished_from = 0.0
        """When the line without an end is to be shown; 0: there is none."""
        self.screen = screen or screen_here()
        self._standing = ShownSoFar(self._engines) if self.screen.takes_away else None

    def join(self, tasks: Sequence[Task]) -> None:
        """Count these tasks, too: of a map that is submitted piece by piece, say."""
        self._running.update((id(task), task) for task in tasks)
        self._folding.join(map(id, tasks))
        self._engines.update(task.engine for task in tasks)

    def take(self, piece: Piece) -> None:
        """Take a piece, to be shown by `show`."""
        now, task = time.monotonic(), id(piece.task)
        self._engines.add(piece.engine)
        if piece.kind in _TEXT:
            self._folding.text(task, piece.engine, piece.kind.value, piece.content, now)
            return
        if piece.kind is Kind.RESULT:
            self._counts[piece.engine] = piece.content["execution_count"]
        if piece.kind is not Kind.ERROR and (piece.kind is not Kind.RESULT or self.values):
            key = key_of(piece.kind, piece.content)
            self._folding.item(task, piece.engine, piece.kind.value, piece.content, key, now)

    def show(self) -> None:
        """Show what is due."""
        now = time.monotonic()
        for key, task in list(self._running.items()):
            if task.outcome is not None:
                del self._running[key]
                self._folding.end(key, now)
        self._show_all(now)
        self._show_unfinished(now)

    def finish(self) -> None:
        """Show all that is left."""
        now = time.monotonic()
        for key in self._running:
            self._folding.end(key, now)
        self._running.clear()
        self._show_all(now)
        self.screen.end_line()

    @property
    def patience(self) -> float | None:
        """Seconds until something is to be shown though nothing comes; None: there is nothing."""
        times = [when for when in (self._folding.due, self._unfinished_from) if when]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _show_unfinished(self, now: float) -> None:
        """Show the line that a task writes at, if that lasts."""
        unfinished = self._folding.unfinished
        if unfinished is None:
            self._unfinished_from = 0.0
        elif not self._unfinished_from:
            self._unfinished_from = now + _UNFINISHED
        elif self._unfinished_from <= now:
            self._unfinished_from = now + _UNFINISHED
            self.screen.unfinished(spelled([unfinished[0]]), unfinished[1])

    def _show_all(self, now: float) -> None:
        texts: list[tuple[str, str]] = []
        for section in self._folding.take(now):
            if self._standing is not None and self._clears(section, texts, self._standing):
                continue
            if section.output.key is None:
                texts.append((section.output.kind, self._lines_of(section)))
            else:
                self._write(texts)
                self._show_one(section)
        self._write(texts)

    def _clears(self, section: Section[Item], texts: list[tuple[str, str]], standing: ShownSoFar) -> bool:
        """Take away what its engines have cleared; return whether there is no more about this section."""
        content: Any = section.output.content
        clears = section.output.kind == Kind.CLEAR
        if clears:
            standing.clear(section.engines)
        if standing.is_cleared(section.engines) and not (clears and content["wait"]):
            self._write(texts)
            left = standing.take_away()
            self.screen.clear(wait=bool(left) or not clears)  # else the notebook would jump
            for each in left:
                self._show_section(each)
        if not clears:
            standing.add(section)
        return clears

    def _show_section(self, section: Section[Item]) -> None:
        if section.output.key is None:
            self.screen.write(section.output.kind, self._lines_of(section))
        else:
            self._show_one(section)

    def _write(self, texts: list[tuple[str, str]]) -> None:
        """Write these, those for one stream in one go, since each takes a notebook's message, and take them away."""
        start = 0
        for end in range(1, len(texts) + 1):
            if end == len(texts) or texts[end][0] != texts[start][0]:
                self.screen.write(texts[start][0], "".join([text for _, text in texts[start:end]]))
                start = end
        texts.clear()

    def _lines_of(self, section: Section[Item]) -> str:
        stream, text = section.output.kind, str(section.output.content)
        return labelled(stream, section.engines, self._engines, text)

    def _show_one(self, section: Section[Item]) -> None:
        counts = (self._counts[engine] for engine in section.engines if engine in self._counts)
        label = spelled(section.engines, self._engines)
        show_item(self.screen, label, section.output.kind, section.output.content, counts)


def show_live(
    pieces: Pieces,
    live: Live,
    done: Callable[[], object] | None = None,
    timeout: float | None = None,
) -> bool:
    """Show `pieces` in this thread until `done()` (None: until the tasks have ended); False: it took too long.

    `timeout`: seconds, None: no limit. What has arrived is shown in any case, also if a Ctrl-C ends this.
    """
    deadline = Deadline(timeout)
    ended = done or (lambda: pieces.ended)
    try:
        while True:
            for piece in pieces.ready():
                live.take(piece)
            if (ended() or pieces.failed) and not pieces.has_more:
                return True
            live.show()
            waits = (live.patience, deadline.left())
            pieces.wait(ended, min([seconds for seconds in waits if seconds is not None], default=None))
            if deadline.left() == 0:
                return bool(ended())
    finally:
        for piece in pieces.ready():
            live.take(piece)
        live.finish()
