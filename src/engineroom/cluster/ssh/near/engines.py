"""The engines of a host on other machines, which it reaches by ssh, all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from engineroom.cluster.launchers.ssh.places import Share, given
from engineroom.cluster.line.errors import NoSuchSet
from engineroom.cluster.line.messages import Notice, RestartEngines, SignalEngines, StopEngines
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.sets.engine_sets import EnginesHost
from engineroom.cluster.sets.hosted import HostedEngine, Life
from engineroom.cluster.ssh.messages import RemoteRequest, StartHere
from engineroom.cluster.ssh.near.machine import Machine
from engineroom.cluster.ssh.near.mirror import Mirror
from engineroom.cluster.ssh.near.plans import connection_file_text, engines_plan
from engineroom.errors import LaunchError
from engineroom.ids import Instance
from engineroom.machine.open_files import allow
from engineroom.protocol.messages import Coming
from engineroom.settings.launcher_kinds import loaded
from engineroom.settings.launchers import EngineLauncher
from engineroom.trail.steps import SUBMITTED, Steps

_MOST_TOLD = 20
"""Machines of which is said why they can't be used."""

_OWN_DESCRIPTORS, _DESCRIPTORS = 200, 8
"""How many we need for ourselves, and for each ssh."""


class RemoteEngines:
    """Starts the engines of `host` by the dictionary of machines; watches, restarts and stops them."""

    def __init__(self, plan: HostPlan, options: EngineLauncher, host: EnginesHost) -> None:
        """LaunchError: the options name no machines, or make no sense."""
        self._mirror = Mirror(plan, host)
        self.engines = self._mirror.engines
        self._plan, self._host = plan, host
        self._shares: list[Share] = loaded(options.launcher_kind.shares)(options)
        self._machines: dict[str, Machine] = {}
        self._begun: set[str] = set()
        self._reached: dict[str, asyncio.Task[None]] = {}
        make_room(len(self._shares))
        # A controller needs its time as well: we reach the machines meanwhile.
        for share in self._for(plan.n)[0]:
            self._reach(share)

    async def start(self, n: int, name: str = "") -> tuple[str, str]:
        name = self.engines.new_set(name, taken=self._begun)
        shares, remark = self._for(n)
        if not shares:
            return name, remark
        self._begun.add(name)  # nothing of it is known elsewhere before its engines are
        try:
            content = await connection_file_text(self._plan, lambda words: self._host.report(Notice(words)))
        finally:
            self._begun.remove(name)
        given = [(share, self._mirror.add(share.n, set_name=name, machine=share.place.name)) for share in shares]
        said = await asyncio.gather(*(self._start_on(share, engines, content) for share, engines in given))
        problems = [words for words in said if words]
        told = problems[:_MOST_TOLD]
        if more := len(problems) - len(told):
            told.append(f"and so on, on {more} more machines; `ipcluster why` lists them")
        if problems and not self.engines.in_set(name):
            raise LaunchError("; ".join(told))
        return name, "; ".join(filter(None, [*told, remark]))

    async def stop(self, name: str = "") -> None:
        leaving = self._named(name)
        for engine in leaving:
            engine.life = Life.STOPPING
        await self._ask_all(leaving, lambda: StopEngines(set=name))
        self._mirror.drop(leaving)

    async def restart(self, name: str = "") -> str:
        return "; ".join(await self._ask_all(self._named(name), lambda: RestartEngines(set=name)))

    async def signal(self, signum: int, name: str = "") -> None:
        problems = await self._ask_all(self._named(name), lambda: SignalEngines(signum=signum, set=name))
        if problems:
            raise LaunchError("; ".join(problems))

    def signal_instance(self, instance: Instance, signum: int) -> None:
        """Do nothing: the controller asks the host that is there."""

    def restart_instances(self, instances: Sequence[Instance]) -> None:
        """Do nothing: the controller asks the host that is there."""

    def joined(self, instance: Instance, engine_id: int, launch: str) -> None:
        """Do nothing: the host there says so."""

    def left(self, instance: Instance, cause: str) -> None:
        """Do nothing, as above."""

    def coming(self) -> Coming:
        return self.engines.coming(restarts=False)  # hosts there speak for themselves once they are connected

    def handles(self) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {}
        for engine in self.engines:
            machines = found.setdefault(engine.set, {"launcher": "ssh", "machines": {}})["machines"]
            machines.setdefault(self._mirror.machine_of(engine), []).append(engine.label)
        return found

    def close(self) -> None:
        for task in self._reached.values():
            task.cancel()
        for machine in self._machines.values():
            machine.close("the cluster was stopped")

    async def ended(self) -> None:
        await asyncio.gather(*self._reached.values(), return_exceptions=True)
        await asyncio.gather(*(machine.ended() for machine in self._machines.values()))

    def kill(self) -> None:
        for machine in self._machines.values():
            machine.kill()

    def _for(self, n: int) -> tuple[list[Share], str]:
        """Return who gets how many of `n` engines, and a remark if they are not so many."""
        return given(n, self._shares)

    def _reach(self, share: Share) -> asyncio.Task[None]:
        """Return the attempt to reach a machine: one that is under way or has succeeded, or a new one."""
        name, plan = share.place.name, self._plan
        machine = self._machines.get(name)
        if machine is None or machine.lost:
            steps = Steps(plan.profile.steps_file(plan.cluster_id), f"engines on {name}")
            steps.note(SUBMITTED, words=f"{share.n} engines, by ssh", n=share.n)
            self._machines[name] = machine = Machine(
                share.place,
                share.options,
                what="engines",
                environment={**plan.engine_environment, **share.options.environment},
                steps=steps,
                on_report=lambda report: self._mirror.hear(name, report),
                on_lost=lambda words, certain: self._mirror.lose(name, words, certain=certain),
                on_notice=lambda words: self._host.report(Notice(words)),
            )
            self._reached[name] = asyncio.ensure_future(machine.reach(plan.engine_timeout))
        return self._reached[name]

    async def _start_on(self, share: Share, engines: list[HostedEngine], content: str) -> str:
        """Start engines on their machine; return what is wrong with them."""
        try:
            await asyncio.shield(self._reach(share))
            machine = self._machines[share.place.name]
            if not machine.begun:
                machine.begin(engines_plan(self._plan, share, door=machine.door, connection_file=content))
            words = await machine.ask(StartHere(n=len(engines), set=engines[0].set, first=engines[0].key))
        except LaunchError as error:
            self._mirror.drop(engines)
            count = f"{len(engines)} engine{'s' if len(engines) != 1 else ''}"
            return f"{count} did not start on {error}"
        return f"{share.place.name}: {words}" if words else ""

    def _named(self, name: str) -> list[HostedEngine]:
        found = self.engines.in_set(name)
        if name and not found:
            raise NoSuchSet.named(name, self.engines.sets())
        return found

    async def _ask_all(self, engines: list[HostedEngine], request: Callable[[], RemoteRequest]) -> list[str]:
        """Ask the machines of `engines`; return what they say is wrong, and why some can't be asked."""

        async def ask(name: str) -> str:
            try:
                words = await self._machines[name].ask(request())
            except LaunchError as error:
                return str(error)
            return f"{name}: {words}" if words else ""

        names = dict.fromkeys(map(self._mirror.machine_of, engines))
        return [words for words in await asyncio.gather(*map(ask, names)) if words]


def set_by_ssh(plan: HostPlan, options: EngineLauncher, host: EnginesHost, shared: dict[str, Any]) -> RemoteEngines:
    """Return the engines of a host that `options` have on other machines. LaunchError: as `RemoteEngines`."""
    del shared
    return RemoteEngines(plan, options, host)


def make_room(machines: int) -> None:
    """Let us have the descriptors that connections to so many machines take, as far as the system allows."""
    allow(_OWN_DESCRIPTORS + _DESCRIPTORS * machines)
