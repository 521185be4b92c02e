"""A remote host's engines: those of a cluster whose owner is on another machine."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from pathlib import Path
from subprocess import Popen
from typing import Any

import msgspec

from engineroom.cluster.host.controller_link import HostLink
from engineroom.cluster.host.linked_host import LinkedHost
from engineroom.cluster.line.children import let_go
from engineroom.cluster.line.messages import (
    EngineDied,
    Failed,
    Notice,
    Report,
    RestartEngines,
    SignalEngines,
    Stop,
    StopEngines,
    Stopped,
)
from engineroom.cluster.sets.engine_sets import EngineSets
from engineroom.cluster.sets.forked import ForkedEngines
from engineroom.cluster.sets.lasting_spawner import LastingSpawner
from engineroom.cluster.ssh.far.door import Door
from engineroom.cluster.ssh.far.file_contents import contents
from engineroom.cluster.ssh.far.log_feed import LogFeed
from engineroom.cluster.ssh.far.owner import Owner
from engineroom.cluster.ssh.far.plan import plan_here
from engineroom.cluster.ssh.messages import (
    Engines,
    EngineState,
    Fetch,
    RemotePlan,
    RemoteRequest,
    StartHere,
    StepTaken,
)
from engineroom.errors import ConnectionFailed
from engineroom.ids import Instance
from engineroom.machine.logs import set_up
from engineroom.machine.signals import signal_number
from engineroom.machine.titles import set_title
from engineroom.protocol.identities import new_secret
from engineroom.trail import steps

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.5
"""Seconds between two looks for new lines in logs."""


class RemoteEnginesHost(LinkedHost):
    """`run` looks after engines until the owner says stop, is gone for good, or the controller ends."""

    def __init__(self, plan: RemotePlan, spawner: Popen[bytes], door: Door) -> None:
        """OptionError, ProfileError: the profile there can't be used."""
        assert plan.engines is not None
        super().__init__(new_secret())
        self._part = plan.engines
        self._remote_plan, self._spawner, self._door = plan, spawner, door
        made = plan_here(plan, plan.engines)
        self._plan, self._file = made.plan, made.file
        who = f"engines-{socket.gethostname()}" + ("" if plan.engines.own_controller else f"-{os.getpid()}")
        set_up(plan.log_level, self._plan.profile.log_file("ipcluster", self._plan.cluster_id, who))
        set_title(f"engineroom remote host{f' [{plan.cluster_id}]' if plan.cluster_id else ''}")
        steps.begin_for(self._plan.profile.steps_file(self._plan.cluster_id), plan.start)
        self._failure, self._found = "", False
        self._telling: asyncio.Handle | None = None

    async def run(self, read: int, write: int, heard: bytes) -> int:
        """Be the host until the end; return the exit code."""
        self._owner = Owner(
            self._door,
            lease=self._remote_plan.lease,
            answer=self._answer,
            on_return=self.engines_changed,
            on_gone=self._owner_gone,
        )
        self._link = HostLink(Path(self._plan.engine.connection_file), self.secret, self, self._plan.engine.way)
        self._engines = self._make_engines()
        self._feed = LogFeed(self._owner.tell)
        self._owner.begin(read, write, heard)
        tasks = [asyncio.ensure_future(work) for work in (self._stay_linked(), self._keep_feeding())]
        try:
            await self.told_to_stop()
        finally:
            for task in tasks:
                task.cancel()
            await self._end()
        return 1 if self._failure else 0

    def report(self, report: Report) -> None:
        """Tell the owner what it does not see by itself."""
        if isinstance(report, EngineDied):
            self._feed_all()  # its last words come first
        if isinstance(report, EngineDied | Notice):
            self._owner.tell(report)

    def engines_changed(self) -> None:
        """Tell the controller now, and the owner soon, how engines are."""
        super().engines_changed()
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(0.02, self._tell_engines)
        alone = not self._owner.here or (self._found and not self._link.connected)
        if alone and not len(self._engines.engines):
            self.stop("no engine is left, nor anybody who could want one")

    def engine_joined(self, instance: Instance, engine_id: int, launch: str, problem: str) -> None:
        super().engine_joined(instance, engine_id, launch, problem)
        if problem:
            self.note(steps.STARTUP, ok=False, words=f"engine {engine_id}: {problem}")

    def controller_found(self) -> None:
        super().controller_found()
        self._found = True

    def note(self, step: str, *, ok: bool = True, words: str = "") -> None:
        self._owner.tell(StepTaken(step, ok, words))

    def _make_engines(self) -> EngineSets:
        if self._plan.engine_launcher is not None:
            from engineroom.cluster.host.launching import launched_engines  # only who hands on to a launcher needs it

            let_go(self._spawner)
            return launched_engines(self._plan, self, {})
        spawner = LastingSpawner.of(self._spawner, self.instance)
        return ForkedEngines(self._plan, self, spawner, numbered_elsewhere=self._part.own_controller)

    async def _answer(self, request: RemoteRequest) -> Any:
        match request:
            case StartHere(n=n, set=name, first=first):
                self._engines.engines.go_on_from(first)
                try:
                    _, missing = await self._engines.start(n, name)
                finally:
                    # Whoever asked knows all of them, and has their logs, when there is an answer.
                    self._feed_all()
                    self._tell_engines()
                return missing
            case StopEngines(set=name):
                await self._engines.stop(name)
            case RestartEngines(set=name):
                missing = await self._engines.restart(name)
                self._tell_engines()
                return missing
            case SignalEngines(signum=signum, set=name):
                await self._engines.signal(signal_number(signum), name)
            case Fetch(path=path):
                return contents(path)
            case Stop(reason=reason):
                self.stop(reason)
        return None

    def _tell_engines(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        states = [msgspec.convert(each, EngineState, from_attributes=True) for each in self._engines.engines]
        self._owner.tell(Engines(states))

    def _owner_gone(self, words: str, *, cut: bool) -> None:
        # An owner's own controller ends with it, and then says so: as long as it does not, the owner lives.
        if cut and self._part.own_controller and self._link.connected and len(self._engines.engines):
            log.warning("going on for the controller", extra={"because": words})
            return
        self.stop(words)

    def fail(self, reason: str) -> None:
        """Stop, and have the owner know why."""
        self._failure = reason
        self._owner.tell(Failed(reason))
        self.stop(reason)

    async def _stay_linked(self) -> None:
        try:
            await self._link.connect(float("inf"))
        except ConnectionFailed as error:
            self.fail(str(error))

    async def _keep_feeding(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            self._feed_all()

    def _feed_all(self) -> None:
        if self._owner.here:
            for engine in self._engines.engines:
                self._feed.look(engine.key, Path(engine.log_file))

    async def _end(self) -> None:
        reason = self._final_reason()
        logs = [(engine.key, Path(engine.log_file)) for engine in self._engines.engines]
        self._link.close(reason)
        self._engines.close()
        try:
            async with asyncio.timeout(self._plan.stop_timeout):
                await asyncio.shield(self._engines.ended())
        except TimeoutError:
            log.exception("engines did not end, and are killed")
            self._engines.kill()
            await self._engines.ended()
        for key, path in logs:
            self._feed.look(key, path)
        if self._file is not None:
            self._file.unlink(missing_ok=True)
        if not self._failure:  # else the owner has been told, and that nobody wanted it
            self._owner.tell(Stopped(reason))
        await self._owner.close()
