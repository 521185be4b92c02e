"""Engines that do not answer, or have lost their connections, and what to do about those that calls wait for."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from engineroom.protocol.messages import EngineSilent

if TYPE_CHECKING:
    from engineroom.client.state.tasks import Task

_MOST_NAMED = 4


def _allowed(task: Task) -> tuple[int, ...] | None:
    """Return the engines that may run `task`, None for all."""
    if task.target >= 0:
        return (task.target,)
    return None if task.request is None else task.request.options.engines


class _Silent(NamedTuple):
    since: float
    tasks: int
    away: bool


class SilentEngines:
    """What the controller has told of them. Written in the I/O thread only; read from anywhere."""

    def __init__(self) -> None:
        self._engines: dict[int, _Silent] = {}

    def __bool__(self) -> bool:
        return bool(self._engines)

    def heard_of(self, message: EngineSilent) -> None:
        """Note what the controller says of one engine."""
        if message.seconds <= 0:
            self.forget(message.engine)
            return
        silent = _Silent(time.monotonic() - message.seconds, message.tasks, message.away)
        self._engines = {**self._engines, message.engine: silent}

    def forget(self, engine: int) -> None:
        """Note that an engine is back, or gone for good."""
        if engine in self._engines:
            self._engines = {id_: silent for id_, silent in self._engines.items() if id_ != engine}

    def clear(self) -> None:
        self._engines = {}

    def waited_for(self, tasks: Iterable[Task], engines: Collection[int]) -> tuple[int, ...]:
        """Return those for which `tasks` wait: they hold some, or are the only ones of `engines` that may run one."""
        known = self._engines
        found = {id_ for id_, silent in known.items() if silent.tasks}
        for allowed in {_allowed(task) for task in tasks}:
            may = [id_ for id_ in (engines if allowed is None else allowed) if id_ in engines]
            if all(id_ in known for id_ in may):
                found.update(may)
        return tuple(sorted(found))

    def words(self, engines: Collection[int]) -> str:
        """Return what to say of `engines`: how they are, for how long, and what to do."""
        known = self._engines
        cut = [id_ for id_ in engines if id_ in known and known[id_].away]
        mute = [id_ for id_ in engines if id_ in known and not known[id_].away]
        found = []
        if mute:
            one = len(mute) == 1
            found.append(
                f"{self._named(mute)} not answered for {self._seconds(mute)} s (stopped? busy in C code that holds the "
                f"GIL?): calls wait for {'it' if one else 'them'}. If {'it is' if one else 'they are'} stopped, run "
                f"`rc.send_signal('SIGCONT', targets={mute[:_MOST_NAMED]})`; to give up on {'it' if one else 'them'}, "
                "send 'SIGKILL'"
            )
        if cut:
            them = "it" if len(cut) == 1 else "them"
            found.append(
                f"{self._named(cut)} lost the connection to the controller {self._seconds(cut)} s ago: calls wait for "
                f"{them} to reconnect. Run `ipcluster why` for details"
            )
        return "; ".join(found)

    def _named(self, engines: list[int]) -> str:
        if len(engines) == 1:
            return f"engine {engines[0]} has"
        more = len(engines) - _MOST_NAMED
        named = ", ".join(map(str, engines[:_MOST_NAMED]))
        return f"engines {named}{f' and {more} more' if more > 0 else ''} have"

    def _seconds(self, engines: list[int]) -> str:
        return f"{time.monotonic() - min(self._engines[id_].since for id_ in engines):.0f}"
