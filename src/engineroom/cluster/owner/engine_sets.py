"""What a Cluster does with sets of its engines, by way of its host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engineroom.cluster.line import messages
from engineroom.cluster.owner.blocking import blocking
from engineroom.cluster.owner.clients import OwnClients
from engineroom.cluster.owner.pictured import Pictured
from engineroom.machine.signals import signal_number

if TYPE_CHECKING:
    from engineroom.cluster.plan.host_plan import HostPlan


class EngineSets(Pictured):
    """The part of a Cluster that is about its sets of engines.

    When one of its methods returns, the clients that this Cluster has connected know which engines there are.
    """

    if TYPE_CHECKING:
        engine_set: str
        _clients: OwnClients
        _missing: str

        async def _start(self, plan: HostPlan) -> None: ...
        async def _ask(self, request: messages.Request) -> Any: ...
        def _plan(self, n: int | None, *, with_controller: bool = True) -> HostPlan: ...
        def _warn(self, words: str) -> None: ...

    async def start_engines(self, n: int | None = None, engine_set_id: str | None = None) -> str:
        """Start `n` more engines (default: `Cluster.n`) as a new set and return its name.

        engine_set_id: the name of the set (default: the next number). Returns, and warns, as `start_cluster`.
        LaunchError: none of the engines registered, or there is a set of this name.
        """
        if not self.running:
            # There may be a controller that somebody else has started.
            await self._start(self._plan(n, with_controller=False))
            await self._changed(self._missing)
            self.engine_set = "1"
            return self.engine_set
        request = messages.StartEngines(n=n if n is not None else self.n, set=engine_set_id or "")
        answer = await self._shown(self._session, self._ask(request))
        self.engine_set = str(answer["set"])
        await self._changed(answer["missing"])
        return self.engine_set

    async def stop_engines(self, engine_set_id: str | None = None) -> None:
        """Stop the engines of the set `engine_set_id` (None: all engines), and wait until they have ended.

        KeyError: there is no such set. LaunchError: some have not ended, or the cluster is not running.
        """
        await self._ask(messages.StopEngines(set=engine_set_id or ""))
        await self._clients.catch_up()

    async def restart_engines(self, engine_set_id: str | None = None) -> None:
        """Stop engines and start them again, with the same ids and empty namespaces.

        `engine_set_id`: those of this set; None: all. Logs a warning if some do not register. KeyError: there is no
        such set. LaunchError: none registered, or the cluster is not running.
        """
        request = messages.RestartEngines(set=engine_set_id or "")
        answer = await self._shown(self._session, self._ask(request))
        await self._changed(answer["missing"])

    async def signal_engines(self, signum: int | str, engine_set_id: str | None = None) -> None:
        """Send the signal `signum`, a number or a name ("SIGINT"), to the engines of a set.

        `engine_set_id`: the name of the set; None: all engines. ValueError: there is no such signal. LaunchError: it
        did not reach all engines; the message says why. KeyError: there is no such set.
        """
        await self._ask(messages.SignalEngines(signum=signal_number(signum), set=engine_set_id or ""))

    start_engines_sync = blocking(start_engines)
    stop_engines_sync = blocking(stop_engines)
    restart_engines_sync = blocking(restart_engines)
    signal_engines_sync = blocking(signal_engines)

    async def _changed(self, missing: str) -> None:
        """Engines came, but those that `missing` tells of."""
        self._warn(missing)
        await self._clients.catch_up()
