"""The engines that the controller has announced to this client."""

from __future__ import annotations

import logging
import sys
import time
from bisect import bisect, bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from engineroom.client.state.silent_engines import SilentEngines
from engineroom.errors import NoEnginesRegistered
from engineroom.ids import Instance
from engineroom.machine.processes import boot_id, host_name, pid_namespace
from engineroom.protocol.messages import EngineInfo, EngineJoined, EngineLeft
from engineroom.trail.stops import engine_was_ended

log = logging.getLogger(__name__)

_MOST_NAMED = 8
"""Engines whose ends an error tells."""

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine: its id, its process instance, and its description."""

    id: int
    instance: Instance
    info: EngineInfo

    @property
    def other_python(self) -> bool:
        """Whether it runs another minor version of Python than this process."""
        return bool(self.info.python) and self.info.python != PYTHON


class EngineTable:
    """The connected engines. Written in the I/O thread only, under the session's condition; read from anywhere."""

    def __init__(self, advise: Callable[[str], str] = str) -> None:
        """`advise`: makes the commands in a message act on this cluster."""
        self.advise = advise
        self._engines: dict[int, Engine] = {}
        self._instances: dict[int, Instance] = {}
        self._others: set[int] = set()  # with another Python than ours
        self._confirmed: set[int] | None = None
        self.ids: tuple[int, ...] = ()
        self.other_python = False
        """Whether one of them runs another minor version of Python."""
        self.departures: list[EngineLeft] = []
        self.left = 0
        self.silent = SilentEngines()
        self.renewed: dict[int, float] = {}
        """Engines that are new processes under earlier ids, and since when; until somebody has been told."""
        self.missing: dict[int, str] = {}
        """Engines that have died and are not back, and how; until somebody has been told."""
        self._nobody: tuple[str, NoEnginesRegistered] | None = None

    def get(self, engine: int) -> Engine | None:
        return self._engines.get(engine)

    def instance(self, engine: int) -> Instance | None:
        """Return the process instance of engine `engine`; if it left, the last one."""
        return self._instances.get(engine)

    def python_of(self, engine: int, instance: Instance) -> str | None:
        """Return the Python version of an engine, "" if it did not say; None: this process of it is not there."""
        known = self._engines.get(engine)
        return known.info.python if known is not None and known.instance == instance else None

    def bound(self, ids: Iterable[int]) -> tuple[Engine, ...]:
        """Return the engines with these ids as they are now, or were last: what a direct call is bound to."""
        engines, instances = self._engines, self._instances
        return tuple([engines.get(id_) or Engine(id_, instances[id_], EngineInfo()) for id_ in ids])

    def all(self) -> list[Engine]:
        """Return all of them."""
        return list(self._engines.values())

    def known_instances(self) -> list[Instance]:
        """Return the processes that this client knows, as they are now or were last."""
        return list(self._instances.values())

    def problems(self) -> dict[int, str]:
        """Return the errors in start-up code, by engine."""
        return {engine.id: engine.info.problem for engine in self._engines.values() if engine.info.problem}

    def processes_here(self) -> dict[int, int]:
        """Return the pids of the engines whose processes are on this machine, and in our PID namespace."""
        here = host_name(), boot_id(), pid_namespace()
        found = {engine.id: engine.info for engine in self._engines.values()}
        return {id_: info.pid for id_, info in found.items() if (info.host, info.boot_id, info.pid_namespace) == here}

    def ends(self) -> str:
        """Return how the last engines that left ended, each as it did last: "engine 0: exit code 3; ..."."""
        last: dict[int, str] = {}
        for gone in reversed(self.departures):
            last.setdefault(gone.engine, gone.cause)
        named = list(islice(last.items(), _MOST_NAMED))
        return "; ".join(f"engine {engine}: {cause}" for engine, cause in reversed(named))

    def how_it_left(self, engine: int) -> str:
        """Return how the last process of an engine that has left ended, "" if none of that id has."""
        return next((gone.cause for gone in reversed(self.departures) if gone.engine == engine), "")

    def cause_of_renewal(self, engine: int) -> str:
        """Return how the earlier process of an engine ended."""
        return self.how_it_left(engine) or "it ended while this client was disconnected"

    def nobody(self, words: str = "") -> NoEnginesRegistered:
        """Return the error of a call that no engine can run, for the reason `words`, or else the reason known here.

        The same reason gives the same error: it may end a hundred thousand tasks.
        """
        if not words and self.left:
            words = (
                f"there are no engines left ({self.ends()}). If they are being restarted, wait for them with "
                "`rc.wait_for_engines(1)`"
            )
        words = words or "there are no engines"
        if self._nobody is None or self._nobody[0] != words:
            advice = "Start engines with `ipcluster engines -n 2`, or see what happened with `ipcluster why`"
            if not self.left:
                advice = "Wait for some with `rc.wait_for_engines(n)`, or start some with `ipcluster engines -n 4`"
            self._nobody = words, NoEnginesRegistered(self.advise(f"{words}. {advice}"))
        return self._nobody[1]

    def joined(self, message: EngineJoined) -> None:
        known = self._engines.get(message.engine)
        if self._instances.get(message.engine, message.instance) != message.instance:
            self.renewed[message.engine] = time.time()
        self.missing.pop(message.engine, None)
        self._engines[message.engine] = Engine(message.engine, message.instance, message.info)
        self._instances[message.engine] = message.instance
        self._note_python(message.engine)
        if self._confirmed is not None:
            self._confirmed.add(message.engine)
        if message.info.problem and (known is None or known.instance != message.instance):
            log.warning("engine %d had a problem in its start-up code: %s", message.engine, message.info.problem)
        if known is None:  # in its place: to sort all of them anew takes seconds when ten thousand join
            place = bisect(self.ids, message.engine)
            self.ids = (*self.ids[:place], message.engine, *self.ids[place:])

    def departed(self, message: EngineLeft) -> None:
        known = self._engines.get(message.engine)
        if known is not None and known.instance == message.instance:
            del self._engines[message.engine]
            self._note_python(message.engine)
            self.silent.forget(message.engine)
            self._note(message)
            place = bisect_left(self.ids, message.engine)
            self.ids = self.ids[:place] + self.ids[place + 1 :]

    def begin_refresh(self) -> None:
        """The controller is about to announce every engine again."""
        self._confirmed = set()
        self.silent.clear()

    def end_refresh(self) -> None:
        """All engines have been announced; those that were not are gone."""
        confirmed, self._confirmed = self._confirmed, None
        for engine in [] if confirmed is None else sorted(set(self._engines) - confirmed):
            gone = self._engines.pop(engine)
            self._note_python(engine)
            self._note(EngineLeft(engine, gone.instance, "it left while this client was disconnected"))
        self.ids = tuple(sorted(self._engines))

    def _note_python(self, engine: int) -> None:
        known = self._engines.get(engine)
        if known is not None and known.other_python:
            self._others.add(engine)
        else:
            self._others.discard(engine)
        self.other_python = bool(self._others)

    def _note(self, message: EngineLeft) -> None:
        self.left += 1
        self.departures = [*self.departures[-99:], message]
        if not engine_was_ended(message.cause):
            self.missing[message.engine] = message.cause
