"""Has engines started again by the hosts that started them."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from engineroom.controller.links import Link, Links
from engineroom.core.engines import Departed, Engine
from engineroom.core.state import ControllerState
from engineroom.ids import Instance
from engineroom.protocol.messages import Answer, Restart, RestartProcesses
from engineroom.protocol.ranges import MOST_LISTED
from engineroom.protocol.texts import brief

log = logging.getLogger(__name__)


class Restarts:
    """Does what Restart messages want: all of these engines, or none if somebody can't be started again."""

    def __init__(self, links: Links, state: ControllerState) -> None:
        self._links, self._state = links, state

    def take(self, client: Link, message: Restart) -> None:
        """Have engines end, if they have not, and start again; answer with what is in the way."""
        engines = dict.fromkeys(message.engines)
        problem = "; ".join(filter(None, (self._problem(each, engines) for each in engines)))
        if problem:
            log.warning("engines not restarted", extra={"problem": problem})
        else:
            self._restart(engines)
        client.connection.send(Answer(message.number, error=brief(problem)))

    def _problem(self, engine_id: int, wanted: Iterable[int]) -> str:
        """Return why this engine can't be restarted with these others, "" if it can."""
        link = self._links.engines.get(engine_id)
        if link is None:
            return self._gone(engine_id, wanted)
        if self._links.host_of(link) is None:
            return (
                f"engine {engine_id} cannot be restarted: no running ipcluster started it. To stop it, leave out "
                "`restart`, and start it again as you started it"
            )
        return self._alone(engine_id, link.info.launch, wanted)

    def _alone(self, engine_id: int, launch: str, wanted: Iterable[int]) -> str:
        """Return which engines would have to start again with this one, "" if they are all `wanted`, or gone."""
        if not launch:
            return ""
        others = [each for each, other in self._links.engines.items() if other.info.launch == launch]
        if set(others) <= set(wanted):
            return ""
        return (
            f"engine {engine_id} cannot be restarted alone: it runs in one job with engines "
            f"{', '.join(map(str, sorted(set(others) - {engine_id})))}; restart them together"
        )

    def _gone(self, engine_id: int, wanted: Iterable[int]) -> str:
        """Return why this engine, which is not here, can't be started again, "" if it can."""
        known = self._known(engine_id)
        if known is not None and known.host in self._links.hosts:
            launch = known.launch if isinstance(known, Departed) else known.info.launch
            if known.spawned or launch:
                return self._alone(engine_id, launch, wanted)
        if isinstance(known, Departed):
            return (
                f"engine {engine_id} cannot be restarted: it has ended ({known.cause}), and no running ipcluster can "
                "start it again. Start another one with `ipcluster engines -n 1`"
            )
        return f"engine {engine_id} is not connected"

    def _known(self, engine_id: int) -> Engine | Departed | None:
        """Return what is known of an engine that is not here: it is away, perhaps dead, or gone."""
        return self._state.engines.get(engine_id) or self._state.departed_ids.get(engine_id)

    def _restart(self, engines: Iterable[int]) -> None:
        instances: dict[Link, list[Instance]] = {}
        for each in engines:
            host, instance = self._whose(each)
            if host is not None:
                instances.setdefault(host, []).append(instance)
        for host, found in instances.items():
            for start in range(0, len(found), MOST_LISTED):
                host.connection.send(RestartProcesses(tuple(found[start : start + MOST_LISTED])))

    def _whose(self, engine_id: int) -> tuple[Link | None, Instance]:
        """Return the host that can start this engine, and by which name it knows it."""
        if (link := self._links.engines.get(engine_id)) is not None:
            return self._links.host_of(link), Instance(link.identity)
        known = self._known(engine_id)
        assert known is not None  # `_gone` has looked
        return self._links.hosts.get(known.host), known.instance
