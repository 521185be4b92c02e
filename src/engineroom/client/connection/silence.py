"""After a call has waited for a while, says once what it is waiting for if nothing can run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from engineroom.client.connection.tasks_that_wait import inside_an_engine, words_for_a_task
from engineroom.client.connection.vigil import Subject, Vigil, Wish
from engineroom.client.progress.audience import say, silenced, somebody_looks
from engineroom.client.waiting.waits import FOR_EVER, Looks, together

if TYPE_CHECKING:
    from engineroom.client.connection.io_thread import IOThread
    from engineroom.client.state.engine_table import EngineTable
    from engineroom.client.state.tasks import Task
    from engineroom.transport.pulse import Pulse

log = logging.getLogger(__name__)

_SOON = 0.15
"""Part of the patience after which a wait says what is wrong."""

_ASKED_AGAIN = 1.0
"""Seconds between two questions to the controller while a wait is shown."""

_FOR_OTHERS = 1.25
"""Those who wait here say it themselves, where their output is shown; for others it is said this much later."""


class Silence:
    """Breaks the silence of a session's waits, once for each reason."""

    def __init__(
        self,
        engines: EngineTable,
        io: IOThread,
        unfinished: Callable[[], Mapping[int, Task]],
        patience: float,
        vigil: Callable[[Subject | None], Vigil],
    ) -> None:
        """`unfinished()`: the calls whose end is not known, by number. `patience`: seconds that a call waits before.

        `vigil(subject)`: makes what asks about it, None: about all of those.
        """
        self.vigil = vigil
        self._others: Vigil | None = None
        self._said_to_stand = ""
        self._engines, self._io, self._unfinished = engines, io, unfinished
        self._said, self._said_full, self._patience = "", False, patience
        self._watching = False
        self._pulse: Pulse | None = None
        self._cut = ""
        """Why the controller is not connected, and how long the client tries to reconnect; "" while it is connected."""

    def connected(self, pulse: Pulse) -> None:
        """The controller is there, and `pulse` knows whether it answers."""
        self._cut, self._pulse = "", pulse

    def disconnected(self, words: str) -> None:
        """The controller is not connected; `words` say why, and for how long calls wait."""
        self._cut = words
        if self._pulse is not None:
            self._pulse.close()
            self._pulse = None

    @property
    def is_away(self) -> bool:
        """Whether the controller is not connected, or does not answer."""
        return bool(self._way()[1])

    def unanswered(self) -> str:
        """Return who does not answer, as text, or which engines can't while tasks wait inside them; "" if all do."""
        return self._way()[1] or self._engines_that_wait()[1] or self._busy_engines()

    def look_for_room(self, full: str) -> None:
        """Say why a call is not submitted yet: nothing can run or, said once, unfinished tasks hold too much."""
        self.look()
        if not self._said and not self._said_full:
            self._said_full = True
            say(f"{full}: further calls are submitted when earlier ones have ended", log, aloud=inside_an_engine())

    def looks(self, subject: Subject | None = None, wish: Wish | None = None) -> Looks:
        """Say what a wait for `subject`, None: for all calls, is for: soon what is wrong, later everything.

        `wish`: how it is shown where people look; None: as `subject` says.
        """
        early = wish is not None or (subject is not None and subject._progress)
        if not early:
            yield self._patience * _SOON  # nearly all waits are over before it goes on
        shared = None if subject is None else subject._vigil
        vigil = shared or self.vigil(subject)
        wish = wish or Wish(None if subject is None else subject._progress)
        try:
            yield from together(self._says(vigil, early=bool(early)), self._shows(vigil, wish))
        finally:
            if shared is None:
                vigil.end()
            else:
                shared.clear()

    def _says(self, vigil: Vigil, *, early: bool) -> Looks:
        soon = self._patience * _SOON
        if early:
            yield soon
        vigil.ask()
        if self._cut or (self._engines.left and not self._engines.ids):
            self.look()
        yield soon
        if somebody_looks():  # a person may do something about it, and may have forgotten it later
            vigil.warn(self._say_that_it_stands)
        yield self._patience - 2 * soon
        while True:
            vigil.ask()
            if not self.look():
                vigil.warn(self._say_that_it_stands)
            yield self._patience

    def _shows(self, vigil: Vigil, wish: Wish) -> Looks:
        if wish.progress is None:
            yield self._patience * (1 - _SOON)
        wanted = wish.progress or (wish.progress is None and somebody_looks() and not inside_an_engine())
        if silenced() or not wanted:
            return
        if (early := vigil.due - time.monotonic()) > 0:
            yield early
        asked = time.monotonic()
        while True:
            began = time.monotonic()
            pause = vigil.show(wish)
            if began - asked >= _ASKED_AGAIN:
                asked = began
                vigil.ask()
            yield pause

    def _say_that_it_stands(self, key: str, words: str) -> None:
        if key != self._said_to_stand:
            self._said_to_stand = key
            say(words, log, aloud=inside_an_engine())

    def look(self) -> bool:
        """Say what the caller is waiting for, if nothing can run and this has not been said yet; return whether so."""
        key, words = self._way()
        if not words:
            key, words = self._engines_that_wait()
        if not words:
            key = words = self._no_engines() or self._busy_engines()
        self._say(key, words)
        return bool(words)

    def look_at_the_way(self) -> None:
        """Say that the controller is away, if it is: for calls that wait for the controller and not for an engine."""
        key, words = self._way()
        if words:
            self._say(key, words)

    def _way(self) -> tuple[str, str]:
        """Return what is wrong with the controller: what is said once, and the text, with the time, to say it."""
        if self._cut:
            return self._cut, self._cut
        silent = 0.0 if self._pulse is None else self._pulse.unanswered()
        if not silent:
            return "", ""
        return "controller", self._engines.advise(
            f"the controller has not answered for {silent:.0f} s (stopped? its machine overloaded?): calls wait until "
            "it answers. Run `ipcluster why` to see what to do"
        )

    def _engines_that_wait(self) -> tuple[str, str]:
        silent = self._engines.silent
        if not silent:
            return "", ""
        engines = silent.waited_for(tuple(self._unfinished().values()), self._engines.ids)
        return f"engines {engines}" if engines else "", self._engines.advise(silent.words(engines)) if engines else ""

    def _no_engines(self) -> str:
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

    def _busy_engines(self) -> str:
        words = words_for_a_task(tuple(self._unfinished().values()), self._engines.ids, self._patience)
        return self._engines.advise(words) if words else ""

    def _say(self, key: str, words: str) -> None:
        if key == self._said:
            return
        self._said = key
        if words:
            say(words, log, aloud=inside_an_engine())  # what a task prints is shown at its client

    def watch(self) -> None:
        """Watch for waits elsewhere: in an event loop or in `concurrent.futures`. Call it from any thread."""
        if not self._watching and self._patience < FOR_EVER:
            self._watching = True
            self._io.call(self._look_later)

    def leave(self) -> None:
        """In a forked child: the thread that looks is not here."""
        self._watching = True

    def _look_later(self) -> None:
        self._io.loop.call_later(_FOR_OTHERS * self._patience, self._look_for_others)

    def _look_for_others(self) -> None:
        if not self._unfinished():
            self._watching = False
            if self._others is not None:
                self._others.end()
                self._others = None
            return
        if self._others is None:
            self._others = self.vigil(None)
        self._others.ask()  # the answer is looked at when it has come: the thread that receives it is this one
        if not self.look():
            self._io.loop.call_later(_SOON * self._patience, self._others.warn, self._say_that_it_stands)
        self._look_later()
