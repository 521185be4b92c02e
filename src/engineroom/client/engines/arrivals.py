"""Waiting for engines: how many have connected, what the others wait for, and why some did not connect."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from engineroom.client.engines.start_news import StartNews
from engineroom.client.progress.shown import Shown
from engineroom.client.progress.standing import Counts, Standing
from engineroom.client.waiting.waits import PATIENCE, Looks, together
from engineroom.errors import EngineError
from engineroom.trail.first_failure import advice, failures, in_brief
from engineroom.trail.steps import Step

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session

log = logging.getLogger(__name__)

_SAID_AFTER = 2
"""Looks after which a program that waits says so, once; they make up the session's patience."""

_DRAWN = 0.2
"""Seconds between two looks that people see."""


def wait_for_engines(
    session: Session, news: StartNews, wanted: int, timeout: float | None, *, block: bool, shown: Shown | None
) -> Future[None] | None:
    """Wait until there are `wanted` engines; with `block=False` return a future of that instead.

    `shown`: shows what is waited for. EngineError: an engine left meanwhile. TimeoutError: too few came.
    """
    wait = _Wait(session, news, wanted, timeout, shown)
    if block:
        wait()
        return None
    future: Future[None] = Future()

    def run() -> None:
        try:
            wait()
            future.set_result(None)
        except Exception as error:  # noqa: BLE001 (the future passes it on)
            future.set_exception(error)

    threading.Thread(target=run, name="engineroom-wait-for-engines", daemon=True).start()
    return future


class _Wait:
    def __init__(
        self, session: Session, news: StartNews, wanted: int, timeout: float | None, shown: Shown | None
    ) -> None:
        self._session, self._news, self._engines = session, news, session.engines
        self._wanted, self._timeout, self._shown = wanted, timeout, shown
        self._left_before = session.engines.left
        self._since = time.time()
        self._warned = self._brief = ""
        self._looks = 0

    def __call__(self) -> None:
        """Return once the engines are there."""
        try:
            if not self._session.wait_until(self._settled, self._timeout, looks=together(self._tells(), self._draws())):
                raise TimeoutError(self._too_few())
        finally:
            if self._shown is not None:
                self._shown.end(self._standing())
        self._session.check()
        if len(self._engines.ids) < self._wanted:
            raise EngineError(self._one_left())

    def _settled(self) -> bool:
        return len(self._engines.ids) >= self._wanted or self._engines.left != self._left_before

    def _tells(self) -> Looks:
        every = min(self._session.patience, PATIENCE) / _SAID_AFTER
        while True:
            yield every
            self._session.silence.look_at_the_way()
            self._tell(self._news.steps())

    def _draws(self) -> Looks:
        if self._shown is None:
            return
        if not self._shown.lasting:  # a wait that is shorter shows nothing
            yield min(self._session.patience, PATIENCE) / _SAID_AFTER
        while True:
            self._shown.show(self._standing())
            yield _DRAWN

    def _standing(self) -> Standing:
        there = min(self._wanted, len(self._engines.ids))
        counts = Counts(there, self._wanted, "engines", "waiting for engines", since=self._since)
        return Standing(counts, "" if there == self._wanted else self._brief, max(0.0, time.time() - self._since))

    def _tell(self, steps: tuple[Step, ...]) -> None:
        """Note what engines wait for; if nobody is watching, log failures and, after a while, what it waits for."""
        self._looks += 1
        brief = self._brief = in_brief(steps)
        if self._shown is not None:
            return
        if (found := failures(steps)) and str(found[0]) != self._warned:
            self._warned = str(found[0])
            fix = f"; {found[0].fix}" if found[0].fix else ""
            log.warning("while waiting for engines: %s", self._engines.advise(f"{found[0]}{fix}"))
        elif self._looks == _SAID_AFTER and not self._warned:
            more = f"; {brief}" if brief else ""
            words = f"{len(self._engines.ids)} of {self._wanted} have joined{more}. Run `ipcluster why` for details"
            log.warning("waiting for engines: %s", self._engines.advise(words))

    def _too_few(self) -> str:
        there, problems = len(self._engines.ids), self._engines.problems()
        words = (
            f"{there} of {self._wanted} engines are connected after {self._timeout:g} s. Start more with "
            f"`ipcluster engines -n {self._wanted - there}`, or see what is wrong with `ipcluster why`"
        )
        words += "".join(f"\n  engine {engine}: {text}" for engine, text in problems.items())
        steps = self._news.steps()
        waits = "" if failures(steps) else in_brief(steps)
        return self._engines.advise(words + (f"\nwhy: {waits}" if waits else advice(steps, told=words)))

    def _one_left(self) -> str:
        last = self._engines.departures[-1]
        words = (
            f"engine {last.engine} left ({last.cause}) while waiting for {self._wanted} engines; "
            f"{len(self._engines.ids)} are connected. See its log with `ipcluster logs`"
        )
        return self._engines.advise(words + advice(self._news.steps(), told=words))
