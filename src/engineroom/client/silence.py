"""After a call has waited for 2 s, says once what it is waiting for if nothing can run."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from engineroom.client.live_line import somebody_looks
from engineroom.client.waiting import PATIENCE

if TYPE_CHECKING:
    from engineroom.client.engine_table import EngineTable
    from engineroom.client.io_thread import IOThread

log = logging.getLogger(__name__)

_FOR_OTHERS = 1.25 * PATIENCE
"""Those who wait here say it themselves, where their output is shown; this much later it is said for the others."""


class Silence:
    """Breaks the silence of a session's waits, once for each reason."""

    def __init__(self, engines: EngineTable, io: IOThread, unfinished: Callable[[], object]) -> None:
        """`unfinished()`: whether there are calls whose end is not known."""
        self._engines, self._io, self._unfinished = engines, io, unfinished
        self._said = ""
        self._watching = False
        self.cut = ""
        """Why the controller is not connected, and how long the client tries to reconnect; "" while it is connected."""

    def reason(self) -> str:
        """Return what calls wait for, as text; "" if engines are there, which may just be busy."""
        if self.cut:
            return self.cut
        if self._engines.ids:
            return ""
        if not self._engines.left:
            return self._engines.advise(
                "no engine has joined this cluster yet: calls wait for the first one. Start engines with "
                "`ipcluster engines -n 4`, or see what is wrong with `ipcluster why`"
            )
        return self._engines.advise(
            f"all engines have left ({self._engines.ends()}): calls wait for engines that are being started. Run "
            "`ipcluster why` for details"
        )

    def look(self) -> None:
        """Say what the caller is waiting for, if nothing can run and this has not been said yet."""
        words = self.reason()
        if words == self._said:
            return
        self._said = words
        if not words:
            return
        if somebody_looks():
            print(f"engineroom: {words}", file=sys.stderr, flush=True)
        else:
            log.warning("%s", words)

    def look_at_the_way(self) -> None:
        """Say that the controller is away, if it is: for calls that wait for the controller and not for an engine."""
        if self.cut:
            self.look()

    def watch(self) -> None:
        """Watch for waits elsewhere: in an event loop or in `concurrent.futures`. Call it from any thread."""
        if not self._watching:
            self._watching = True
            self._io.call(self._look_later)

    def leave(self) -> None:
        """In a forked child: the thread that looks is not here."""
        self._watching = True

    def _look_later(self) -> None:
        self._io.loop.call_later(_FOR_OTHERS, self._look_for_others)

    def _look_for_others(self) -> None:
        if self._unfinished():
            self.look()
            self._look_later()
        else:
            self._watching = False
