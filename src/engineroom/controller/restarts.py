"""Has engines started again by the hosts that started them."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from engineroom.controller.links import Link, Links
from engineroom.ids import Instance
from engineroom.protocol.messages import Answer, Restart, RestartProcesses
from engineroom.protocol.ranges import MOST_LISTED
from engineroom.protocol.texts import brief

log = logging.getLogger(__name__)


class Restarts:
    """Does what Restart messages want: all of these engines, or none if somebody can't be started again."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def take(self, client: Link, message: Restart) -> None:
        """Have engines end and start again, and answer with what is in the way."""
        engines = dict.fromkeys(message.engines)
        problem = "; ".join(filter(None, (self._problem(each, engines) for each in engines)))
        if problem:
            log.warning("engines not restarted", extra={"problem": problem})
        else:
            self._restart(self._links.engines[each] for each in engines)
        client.connection.send(Answer(message.number, error=brief(problem)))

    def _problem(self, engine_id: int, wanted: Iterable[int]) -> str:
        """Return why this engine can't be restarted with these others, "" if it can."""
        link = self._links.engines.get(engine_id)
        if link is None:
            return f"engine {engine_id} is not connected"
        if self._links.host_of(link) is None:
            return (
                f"engine {engine_id} cannot be restarted: no running ipcluster started it. To stop it, leave out "
                "`restart`, and start it again as you started it"
            )
        if not link.info.launch:
            return ""
        others = [each for each, other in self._links.engines.items() if other.info.launch == link.info.launch]
        if set(others) <= set(wanted):
            return ""
        return (
            f"engine {engine_id} cannot be restarted alone: it runs in one job with engines "
            f"{', '.join(map(str, sorted(set(others) - {engine_id})))}; restart them together"
        )

    def _restart(self, engines: Iterable[Link]) -> None:
        instances: dict[Link, list[Instance]] = {}
        for each in engines:
            if (host := self._links.host_of(each)) is not None:
                instances.setdefault(host, []).append(Instance(each.identity))
        for host, found in instances.items():
            for start in range(0, len(found), MOST_LISTED):
                host.connection.send(RestartProcesses(tuple(found[start : start + MOST_LISTED])))
