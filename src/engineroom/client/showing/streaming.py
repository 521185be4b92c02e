"""`with ar.stream_output()`: what tasks write is shown while the block runs, whatever it does.

If IPP_NONINTERACTIVE is set, what there is by the end of the block is shown then.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engineroom.client.progress.audience import silenced
from engineroom.client.showing.live import Live, show_live

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.tasks import Task


@contextmanager
def streamed(session: Session, tasks: Sequence[Task], *, fold: bool = True) -> Iterator[None]:
    """Show what `tasks` write until the block ends; in a thread of its own, since the block may do anything.

    The thread does not outlive the block, so that a notebook shows all of it below this cell.
    """
    live, left = Live(tasks, fold=fold), threading.Event()

    with session.watch(tasks) as pieces:
        if silenced():
            try:
                yield
            finally:
                show_live(pieces, live, lambda: True)
            return

        def show() -> None:
            show_live(pieces, live, lambda: pieces.ended or left.is_set())

        thread = threading.Thread(
            target=contextvars.copy_context().run, args=(show,), name="engineroom-output", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            with session.condition:
                left.set()
                session.changed()
            thread.join()
