"""The host: owns a controller and the engines of one machine, from their start to their end.

It dies with its owner, and everything that it owns dies with it: its children read pipes that end when it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import msgspec

from engineroom.cluster import cluster_file, pid_records, reports
from engineroom.cluster.children import Child
from engineroom.cluster.cluster_file import HostAddress
from engineroom.cluster.control import Control
from engineroom.cluster.controller_process import ControllerPlan
from engineroom.cluster.engine_house import EngineHouse
from engineroom.cluster.engine_set import ready_ids
from engineroom.cluster.host_link import HostLink
from engineroom.cluster.leftovers import control_socket, remove_if_stale, sweep
from engineroom.cluster.plan import HostPlan
from engineroom.cluster.pulse import Pulse
from engineroom.cluster.reports import Failed, Notice, Progress, Ready, Report, Request, Stopped
from engineroom.errors import ConnectionFailed, EngineroomError, LaunchError
from engineroom.ids import Instance, new_instance
from engineroom.protocol.processes import ProcessRecord, start_time

log = logging.getLogger(__name__)

_END_SECONDS = 4.0
"""How long children have to end before they are killed."""

_NO_ENGINE = "no engine is left"


class NoController(LaunchError):
    """The controller did not start. `code`: its exit code, where that says why."""

    def __init__(self, controller: Child) -> None:
        self.code = pid_records.ALREADY_RUNNING if controller.process.returncode == pid_records.ALREADY_RUNNING else 1
        super().__init__(" ".join(controller.said) or f"the controller did not start: {controller.end()}")


class Host:
    """`run` starts everything, serves until it is told to stop, and leaves nothing behind."""

    def __init__(
        self,
        plan: HostPlan,
        *,
        spawner: Popen[bytes],
        controller: Popen[bytes] | None,
        report: Callable[[Report], None],
    ) -> None:
        """`plan`: its lock is ours; `spawner`, `controller`: started already, for they need as long as we do;
        `report`: for the owner."""
        self.plan = plan
        self.control = Control(self.answer)
        self._report = report
        self._spawner = Child(spawner, "spawner")
        self._controller = None if controller is None else Child(controller, "ipcontroller")
        self._instance = new_instance()
        self._house = EngineHouse(
            plan, self._instance, report=report, on_exit=self._engine_exited, on_change=self._changed
        )
        self._link = HostLink(Path(plan.engine.connection_file), self._instance, self)
        self._pulse = Pulse()
        self._port = 0
        self._stop_reason: str | None = None
        self._failure: Failed | None = None
        self._started = False
        self._gone = asyncio.Event()
        self._writing: asyncio.Handle | None = None

    async def run(self) -> int:
        """Be the host until the end; return the exit code."""
        try:
            await self._attach()
            await self._until_stopped(self._start())
            if self._stop_reason is None:
                self._started = True
                await self._pulse.until(lambda: self._stop_reason is not None)
        except (EngineroomError, OSError) as error:
            self._fail(str(error), code=getattr(error, "code", 1))
        finally:
            await self._end()
        return 0 if self._failure is None else self._failure.code

    @property
    def started(self) -> bool:
        """Whether everything has been ready."""
        return self._started

    @property
    def stopping(self) -> bool:
        return self._stop_reason is not None

    def stop(self, reason: str) -> None:
        """Have everything stopped, and `run` return."""
        if self._stop_reason is None:
            log.info("stopping", extra={"reason": reason})
            self._stop_reason = reason
            self._pulse.beat()

    def kill(self) -> None:
        """End the children at once."""
        for child in (self._controller, self._spawner):
            if child is not None and child.running:
                child.process.kill()

    async def answer(self, request: Request) -> Any:
        """Do what `request` asks, and return what it wants to know."""
        match request:
            case reports.StartEngines(n=n, set=name):
                name, missing = await self._house.start(self.plan.n if n is None else n, name)
                return {"set": name, "missing": missing}
            case reports.StopEngines(set=name):
                await self._house.stop(name)
            case reports.RestartEngines(set=name):
                return {"missing": await self._house.restart(name)}
            case reports.SignalEngines(signum=signum, set=name):
                self._house.signal(signum, name)
            case reports.StopController():
                await self._stop_controller("the controller was stopped")
            case reports.Stop(reason=reason):
                self.stop(reason or "asked to")
                await self._gone.wait()
            case reports.Status():
                return self.describe()
        return None

    def describe(self) -> dict[str, Any]:
        """Return what the cluster file says."""
        plan, controller = self.plan, self._controller
        state: dict[str, Any] = {}
        if controller is not None:
            state = {"pid": controller.process.pid, "port": self._port, "output_file": str(self._controller_log())}
        return cluster_file.describe(
            options=plan.options,
            profile_dir=plan.profile_dir,
            cluster_id=plan.cluster_id,
            host=HostAddress(ProcessRecord.of_this_process(), str(control_socket(plan.profile, plan.cluster_id))),
            controller=state,
            sets=self._house.engines.sets(),
        )

    def signal_all(self, signum: int) -> None:
        self._house.signal(signum)

    def engine_joined(self, instance: Instance, engine_id: int) -> None:
        """The controller says that an engine has registered."""
        self._house.joined(instance, engine_id)

    def signal_engine(self, instance: Instance, signum: int) -> None:
        """The controller asks for a signal to an engine."""
        self._house.signal_instance(instance, signum)

    def controller_says_stop(self, reason: str) -> None:
        """The controller ends, and we with it."""
        self.stop(reason or "the controller was stopped")

    def waiting_for_controller(self, words: str) -> None:
        """There is no controller yet, or no more."""
        log.warning("waiting for the controller: %s", words)
        self._report(Notice(f"waiting for the controller: {words}"))

    async def _attach(self) -> None:
        await self._spawner.attach(self._house.hear, self._child_ended)
        self._house.open(self._spawner)
        if self._controller is not None:
            await self._controller.attach(self._hear_controller, self._child_ended)

    async def _start(self) -> None:
        plan = self.plan
        self._report(Progress(0, plan.n))
        if self._controller is not None:
            await self.control.listen(control_socket(plan.profile, plan.cluster_id))
            await self._start_controller(self._controller)
            await self._link.connect(plan.engine.connect_timeout)
            _, missing = await self._house.start(plan.n)
        else:
            # Engines look for the controller by themselves, so that order does not matter.
            linking = asyncio.create_task(self._link.connect(plan.engine.connect_timeout))
            try:
                _, missing = await self._house.start(plan.n)
            finally:
                linking.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionFailed):
                    await linking
            if plan.n and not len(self._house.engines):
                self.stop(_NO_ENGINE)  # the controller came and went meanwhile
                return
        self._write_file()
        self._report(Ready(ready_ids(self._house.engines), age(), missing))

    async def _start_controller(self, controller: Child) -> None:
        config = self.plan.controller
        assert config is not None
        controller.tell(
            msgspec.json.encode(
                ControllerPlan(
                    config=config,
                    profile_dir=self.plan.profile_dir,
                    log_file=str(self._controller_log()),
                    log_level=self.plan.log_level,
                )
            )
        )
        await self._pulse.until(lambda: bool(self._port) or not controller.running)
        if not self._port:
            raise NoController(controller)

    async def _until_stopped(self, work: Any) -> None:
        """Do `work`, and give it up when the host is to stop."""
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._pulse.until(lambda: self._stop_reason is not None))
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (working, stopping):
            if not task.done():
                task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working

    async def _stop_controller(self, reason: str) -> None:
        if self._controller is not None and self._controller.running:
            self._controller.tell({"stop": reason})
            self._controller.let_go()
            await self._controller.ended()

    async def _end(self) -> None:
        """End the children, and take away what is ours."""
        reason = self._stop_reason or "the cluster was stopped"
        self._stop_reason = reason
        self._link.close(reason)
        self._house.close()
        children = [child for child in (self._controller, self._spawner) if child is not None]
        if self._controller is not None:
            self._controller.tell({"stop": reason})
        for child in children:
            child.let_go()
        endings = [asyncio.ensure_future(child.ended()) for child in children]
        _, late = await asyncio.wait(endings, timeout=_END_SECONDS)
        if late:
            log.error("children did not end, and are killed")
            self.kill()
            await asyncio.wait(endings)
        if self._writing is not None:
            self._writing.cancel()
        if self.plan.controller is not None:
            self.plan.profile.cluster_file(self.plan.cluster_id).unlink(missing_ok=True)
            pid_records.release(self.plan.profile.pid_file("ipcluster", self.plan.cluster_id))
            sweep(self.plan.profile, self.plan.cluster_id)
            self._remove_connection_files()
        self._report(self._failure or Stopped(reason))
        self._gone.set()
        await asyncio.sleep(0)  # let those who asked for the stop be answered
        self.control.close()

    def _remove_connection_files(self) -> None:
        """Do what a controller that was killed could not do."""
        plan, config = self.plan, self.plan.controller
        if config is None or config.reuse:
            return
        for role, name in (("client", config.client_file), ("engine", config.engine_file)):
            usual = plan.profile.connection_file(role, plan.cluster_id)
            remove_if_stale(usual.with_name(name) if name else usual)

    def _hear_controller(self, line: bytes) -> None:
        self._port = json.loads(line)["port"]
        self._pulse.beat()

    def _child_ended(self, child: Child) -> None:
        self._pulse.beat()
        if self._stop_reason is not None or (child is self._controller and not self._port):
            return
        if child.process.returncode == 0 and child is self._controller:
            self.stop("the controller has stopped")
        else:
            self._fail(f"the {child.name} (pid {child.process.pid}) ended: {child.end()}")

    def _fail(self, reason: str, code: int = 1) -> None:
        log.error("failed: %s", reason)
        self._failure = self._failure or Failed(reason, code)
        self.stop(reason)

    def _engine_exited(self, instance: Instance, cause: str) -> None:
        self._link.engine_exited(instance, cause)

    def _changed(self) -> None:
        if self.plan.controller is None:
            if self._started and not len(self._house.engines):
                self.stop(_NO_ENGINE)
        elif self._started and self._writing is None:
            self._writing = asyncio.get_running_loop().call_later(0.05, self._write_file)

    def _write_file(self) -> None:
        self._writing = None
        if self.plan.controller is not None:
            cluster_file.write(self.plan.profile.cluster_file(self.plan.cluster_id), self.describe())

    def _controller_log(self) -> Path:
        return self.plan.profile.log_file("ipcontroller", self.plan.cluster_id)


def age() -> float:
    """Return how many seconds ago this process was started."""
    try:
        ticks = int(start_time(os.getpid()) or "")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (ValueError, AttributeError, OSError):
        return time.process_time()  # not on Linux: all that can be said
