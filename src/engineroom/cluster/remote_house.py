"""A remote host's engines: those of a cluster whose owner is on another machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from pathlib import Path
from subprocess import Popen
from typing import Any

from engineroom.cluster.children import Child
from engineroom.cluster.engine_house import EngineHouse
from engineroom.cluster.engine_set import HostedEngine
from engineroom.cluster.host_link import HostLink
from engineroom.cluster.leftovers import is_dead
from engineroom.cluster.plan import HostPlan, engine_config
from engineroom.cluster.pulse import Pulse
from engineroom.cluster.remote_addresses import with_address
from engineroom.cluster.remote_fetching import contents
from engineroom.cluster.remote_logs import LogFeed
from engineroom.cluster.remote_owner import Owner, door_path
from engineroom.cluster.remote_serving import log_to
from engineroom.cluster.remote_words import (
    Engines,
    EnginesPart,
    EngineState,
    Fetch,
    RemotePlan,
    RemoteRequest,
    StartHere,
    StepTaken,
)
from engineroom.cluster.reports import (
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
from engineroom.errors import ConnectionFailed
from engineroom.ids import Instance, new_instance
from engineroom.protocol.connection_files import write_private
from engineroom.settings.engine import IPEngine
from engineroom.settings.profiles import Profile
from engineroom.settings.steps import HANDSHAKE, STARTUP
from engineroom.settings.titles import set_title

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.5
"""Seconds between two looks for new lines in logs."""

_END_SECONDS = 4.0


class _Engines(EngineHouse):
    """Engines whose numbers are their owner's."""

    own_controller = True

    def _add(self, name: str) -> HostedEngine:
        engine = super()._add(name)
        if self.own_controller:
            # No other host of the cluster uses these numbers, so that logs are the same files from start to start.
            engine.wanted_id = engine.key
            part = f"{socket.gethostname()}-{engine.key}"
            engine.log_file = self._plan.profile.log_file("ipengine", self._plan.cluster_id, part)
        return engine


def _prefix() -> str:
    """Return how the names of our connection files begin: other machines may share the directory."""
    return f"ipcontroller-remote-{socket.gethostname()}-"


def _remove_leftovers(profile: Profile) -> None:
    """Remove what hosts on this machine left that were killed."""
    for file in profile.security_dir.glob(f"{_prefix()}*.json"):
        door = door_path(file.stem.removeprefix(_prefix()))
        if not door.exists() or is_dead(door):
            door.unlink(missing_ok=True)
            file.unlink(missing_ok=True)


def _with_owner(part: EnginesPart) -> str:
    """Return the connection file, and in it the address that ssh came from, if the controller is there too.

    A machine with several networks can't know by which of them we see it.
    """
    where = os.environ.get("SSH_CONNECTION", "").split()
    return with_address(part.connection_file, where[0]) if where and part.controller_at_owner else part.connection_file


class RemoteHouse:
    """`run` looks after engines until the owner says stop, is gone for good, or the controller ends."""

    def __init__(self, plan: RemotePlan, spawner: Popen[bytes]) -> None:
        """OptionError, ProfileError: the profile there can't be used."""
        assert plan.engines is not None
        self.instance = new_instance()
        self._part = plan.engines
        self._remote_plan, self._spawner = plan, spawner
        self._file = Path()
        self._plan = self._host_plan(plan, plan.engines)
        self._pulse = Pulse()
        self._stop_reason: str | None = None
        self._failure = ""
        self._telling: asyncio.Handle | None = None

    def stop(self, reason: str) -> None:
        """Have `run` end everything and return."""
        if self._stop_reason is None:
            log.info("stopping", extra={"reason": reason})
            self._stop_reason = reason
            self._pulse.beat()

    async def run(self, read: int, write: int, heard: bytes) -> int:
        """Be the host until the end; return the exit code."""
        remote = self._remote_plan
        self._owner = Owner(
            remote.door, lease=remote.lease, answer=self._answer, on_return=self._changed, on_gone=self._owner_gone
        )
        self._link = HostLink(Path(self._plan.engine.connection_file), self.instance, self, self._plan.engine.way)
        self._engines = _Engines(
            self._plan,
            self.instance,
            Child(self._spawner, "spawner"),
            report=self._report,
            on_exit=self._link.engine_exited,
            on_change=self._changed,
            on_failure=self._fail,
        )
        self._engines.own_controller = self._part.own_controller
        self._feed = LogFeed(self._owner.tell)
        self._owner.begin(read, write, heard)
        tasks = [asyncio.ensure_future(work) for work in (self._stay_linked(), self._keep_feeding())]
        try:
            await self._pulse.until(lambda: self._stop_reason is not None)
        finally:
            for task in tasks:
                task.cancel()
            await self._end()
        return 1 if self._failure else 0

    def engine_joined(self, instance: Instance, engine_id: int, launch: str, problem: str) -> None:
        self._engines.joined(instance, engine_id, launch)
        if problem:
            self._note(STARTUP, ok=False, words=f"engine {engine_id}: {problem}")

    def engine_left(self, instance: Instance, cause: str) -> None:
        self._engines.left(instance, cause)

    def signal_engine(self, instance: Instance, signum: int) -> None:
        self._engines.signal_instance(instance, signum)

    def controller_says_stop(self, reason: str) -> None:
        self.stop(reason or "the controller was stopped")

    def waiting_for_controller(self, words: str, step: str) -> None:
        self._note(step, ok=False, words=words)

    def not_let_in(self, words: str) -> None:
        self._note(HANDSHAKE, ok=False, words=words)

    def controller_found(self) -> None:
        self._note(HANDSHAKE)

    def _host_plan(self, plan: RemotePlan, part: EnginesPart) -> HostPlan:
        place = [f"--profile-dir={plan.profile_dir}" if plan.profile_dir else f"--profile={plan.profile or 'default'}"]
        if plan.cluster_id:
            place.append(f"--cluster-id={plan.cluster_id}")
        options = IPEngine.from_command_line([*place, f"--log-level={plan.log_level}", *part.arguments])
        profile = options.profile_directory
        profile.prepare()
        who = f"engines-{socket.gethostname()}-{os.getpid()}"
        if not options.url_file:
            _remove_leftovers(profile)
            self._file = profile.security_dir / f"{_prefix()}{plan.door}.json"
            write_private(self._file, _with_owner(part).encode())
            options.url_file = str(self._file)
        log_to(profile.log_file("ipcluster", options.cluster_id, who), plan.log_level)
        set_title(f"engineroom remote host{f' [{options.cluster_id}]' if options.cluster_id else ''}")
        return HostPlan(
            profile_dir=str(profile.path),
            cluster_id=options.cluster_id,
            engine=engine_config(options),
            engine_environment=plan.environment,
            engine_timeout=part.engine_timeout,
            delay=part.delay,
            restart_engines=part.restart_engines,
        )

    def _note(self, step: str, *, ok: bool = True, words: str = "") -> None:
        self._owner.tell(StepTaken(step, ok, words))

    async def _answer(self, request: RemoteRequest) -> Any:
        match request:
            case StartHere(n=n, set=name, first=first):
                self._engines.engines.go_on_from(first)
                try:
                    _, missing = await self._engines.start(n, name)
                finally:
                    self._tell_engines()  # whoever asked knows all of them when there is an answer
                return missing
            case StopEngines(set=name):
                await self._engines.stop(name)
            case RestartEngines(set=name):
                missing = await self._engines.restart(name)
                self._tell_engines()
                return missing
            case SignalEngines(signum=signum, set=name):
                self._engines.signal(signum, name)
            case Fetch(path=path):
                return contents(path)
            case Stop(reason=reason):
                self.stop(reason)
        return None

    def _report(self, report: Report) -> None:
        if isinstance(report, EngineDied):
            self._feed_all()  # its last words come first
        if isinstance(report, EngineDied | Notice):
            self._owner.tell(report)

    def _changed(self) -> None:
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(0.02, self._tell_engines)
        if not self._owner.here and not len(self._engines.engines):
            self.stop("the owner was cut off, and no engine is left")

    def _tell_engines(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        states = [
            EngineState(
                engine.key,
                engine.set,
                engine.pid,
                engine.instance,
                engine.engine_id,
                engine.ready,
                str(engine.log_file),
            )
            for engine in self._engines.engines
        ]
        self._owner.tell(Engines(states))

    def _owner_gone(self, words: str, *, cut: bool) -> None:
        # An owner's own controller ends with it, and then says so: as long as it does not, the owner lives.
        if cut and self._part.own_controller and self._link.connected and len(self._engines.engines):
            log.warning("going on for the controller", extra={"because": words})
            return
        self.stop(words)

    def _fail(self, words: str) -> None:
        self._failure = words
        self._owner.tell(Failed(words))
        self.stop(words)

    async def _stay_linked(self) -> None:
        try:
            await self._link.connect(float("inf"))
        except ConnectionFailed as error:
            self._fail(str(error))

    async def _keep_feeding(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            self._feed_all()

    def _feed_all(self) -> None:
        if self._owner.here:
            for engine in self._engines.engines:
                self._feed.look(engine.key, engine.log_file)

    async def _end(self) -> None:
        reason = self._stop_reason or "the cluster was stopped"
        logs = [(engine.key, engine.log_file) for engine in self._engines.engines]
        self._link.close(reason)
        self._engines.close()
        try:
            await asyncio.wait_for(asyncio.shield(self._engines.ended()), _END_SECONDS)
        except TimeoutError:
            log.exception("engines did not end, and are killed")
            self._engines.kill()
            await self._engines.ended()
        for key, path in logs:
            self._feed.look(key, path)
        if self._file.name:
            with contextlib.suppress(FileNotFoundError):
                self._file.unlink()
        self._owner.tell(Stopped(reason))
        await self._owner.close()
