"""Showing output when results are waited for or read, if that is wanted: see `wanted`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engineroom.client.progress.audience import silenced, somebody_looks
from engineroom.client.progress.screen import aside
from engineroom.client.showing.live import Live
from engineroom.client.showing.wanted import Read, Shows

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.tasks import Task
    from engineroom.client.waiting.waits import Looks

_EVERY = 0.1
"""Seconds between two looks at what has arrived."""


class Output:
    """Shows what tasks write during the waits for them, each part once; if IPP_NONINTERACTIVE is set, at their end."""

    def __init__(self, session: Session, tasks: Sequence[Task], *, values: bool) -> None:
        self._pieces, self._tasks, self._count = session.watch(()), tasks, 0
        self._live, self._at_the_end = Live((), values=values), silenced()
        self.look()

    def show_values(self, *, wanted: bool) -> None:
        """Say whether the values of cells that come from now on are shown."""
        self._live.values = wanted

    def look(self) -> None:
        """Show what has arrived, unless that is for the end."""
        if not self._at_the_end:
            self._show()

    def _show(self) -> None:
        if len(self._tasks) > self._count:  # a map may be submitted piece by piece
            more = self._tasks[self._count :]
            self._count += len(more)
            self._live.join(more)
            self._pieces.add(more)
        for piece in self._pieces.ready():
            self._live.take(piece)
        self._live.show()

    def looks(self) -> Looks:
        """Show what arrives during a wait."""
        while True:
            self.look()
            yield min(_EVERY, self._live.patience or _EVERY)

    def end(self) -> None:
        """Show the rest."""
        self._pieces.close()
        self._show()
        self._live.finish()


@contextmanager
def output_shown(result: Read, *, values: bool) -> Iterator[None]:
    """A context in which waits for `result` show its output; at its end, what there is has been shown.

    `values`: also the values of cells.
    """
    wanted = result._session.shows
    whole = wanted is Shows.ALL or result._code is not None
    if whole:  # after a wait that took too long, it goes on where it was
        result._output = result._output_kept = result._output_kept or Output(
            result._session, result._tasks, values=values
        )
        result._output.show_values(wanted=values)
    result._output_seen = True  # by reads inside of this one
    try:
        yield
    finally:
        result._output_seen = result.done()
        _end(result) if whole else _say_how_many(result)


def _end(result: Read) -> None:
    output, result._output = result._output, None
    if result._output_seen:
        result._output_kept = None
        output.end()
    else:
        output.look()


def _say_how_many(result: Read) -> None:
    """Say, once the tasks have ended, that there is output, where somebody looks."""
    tasks = result._tasks if result._output_seen and somebody_looks() else ()
    count = sum([task.output is not None and task.output.has_parts for task in tasks])
    if count:
        with aside():
            print(
                f"{count} task{'s' if count > 1 else ''} wrote output: ar.display_outputs() shows it. To see it in "
                "future, set rc.show_output = True",
                file=sys.stderr,
            )
