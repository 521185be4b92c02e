"""The calls that a client has its controller keep for engines that come later."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable
from typing import Any

import msgspec

from engineroom.client.state.engine_table import EngineTable
from engineroom.client.state.tasks import Request
from engineroom.ids import Instance, SessionId
from engineroom.protocol.messages import Answer, Keep, KeptRan
from engineroom.serialize.functions.packing import PackedFunction

log = logging.getLogger(__name__)


class Kept(Request):
    """A call that is kept, with its payload, to be said again to a controller that does not know it.

    `id`: the client's number for it. `key`: a later one with the same key replaces it. `what`: for people. `engines`:
    on which, None for all. `question`: whose answer says whether the controller keeps it. `has`: instances that run it
    without the controller's doing. `ends`: by engine, the instance that ran it, and "" or the error.
    """

    id: int = 0
    key: object = None
    what: str = ""
    engines: tuple[int, ...] | None = None
    question: int = 0
    has: bytes = b""
    ends: dict[int, tuple[Instance, str]] = msgspec.field(default_factory=dict)

    def submit(self, session: SessionId) -> Keep:  # type: ignore[override]  # it is sent where a Submit would be
        """Return the message that has it kept, without a stream."""
        del session
        return Keep(self.id, self.call, self.what, self.question, self.engines, self.has)

    def is_for(self, engine: int) -> bool:
        return self.engines is None or engine in self.engines


class KeptCalls:
    """Those of one client, in order. Written by user threads; the I/O thread calls `ran` and `refused`."""

    def __init__(self, engines: EngineTable) -> None:
        self._engines = engines
        self._numbers = itertools.count(1)
        self._calls: dict[int, Kept] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def all(self) -> list[Kept]:
        return list(self._calls.values())

    def get(self, id_: int) -> Kept | None:
        return self._calls.get(id_)

    def next_id(self) -> int:
        return next(self._numbers)

    def add(self, kept: Kept) -> None:
        self._calls[kept.id] = kept

    def drop(self, id_: int) -> None:
        self._calls.pop(id_, None)

    def functions(self) -> Iterable[PackedFunction]:
        """Return the functions that they call."""
        return [kept.function for kept in self.all() if kept.function is not None]

    def again(self) -> list[Kept]:
        """Return all of them, to be said to the controller again: it may be another one.

        The engines that this client knows have run them.
        """
        known = self._engines.known_instances()
        every = self.all()
        for kept in every:
            kept.has = b"".join(known)
        return every

    def ran(self, message: KeptRan) -> None:
        """One has ended on an engine; an error is told at once."""
        kept = self._calls.get(message.kept)
        if kept is None:
            return
        before = kept.ends.get(message.engine)
        kept.ends = {**kept.ends, message.engine: (message.instance, message.error)}
        if message.error and before != kept.ends[message.engine]:
            log.warning(
                "engine %d is not ready: the kept call %r failed there: %s. It takes no load-balanced tasks until you "
                "run `rc.forget(%d)`",
                message.engine,
                kept.what,
                message.error,
                message.kept,
            )

    def refused(self, answer: Answer) -> None:
        """An answer came for which nobody waits: a call that it is about is not kept."""
        for kept in self.all():
            if kept.question == answer.number:
                log.warning("%s", answer.error)
                self.drop(kept.id)

    def state_on(self, kept: Kept, engine: int, instance: Any) -> tuple[str, str]:
        """Return in a word how far a call is on an engine, and its error."""
        ended = kept.ends.get(engine)
        if ended is None or ended[0] != instance:
            return "waiting", ""
        return ("failed", ended[1]) if ended[1] else ("done", "")
