"""The host: owns a controller and the engines of one machine, from their start to their end.

It dies with its owner, and everything that it owns dies with it: its children read pipes that end when it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from engineroom.cluster.host.control import Control
from engineroom.cluster.host.controller_link import HostLink
from engineroom.cluster.host.controller_watch import ControllerWatch
from engineroom.cluster.host.linked_host import LinkedHost
from engineroom.cluster.line import messages
from engineroom.cluster.line.messages import Failed, Notice, Progress, Ready, Report, Request, Stopped
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.records import cluster_file, pid_records
from engineroom.cluster.records.cluster_file import HostAddress
from engineroom.cluster.records.leftovers import control_socket, new_control_socket, remove_files_of, sweep
from engineroom.cluster.seats.lasting import LastingSeat
from engineroom.cluster.sets.engine_sets import EngineSets
from engineroom.cluster.sets.hosted import ready_ids
from engineroom.errors import ConnectionFailed, EngineroomError, LaunchError
from engineroom.ids import Instance
from engineroom.machine.processes import ProcessRecord, host_name, start_time
from engineroom.machine.signals import signal_number
from engineroom.protocol.identities import new_secret
from engineroom.trail import steps
from engineroom.trail.advice import for_cluster
from engineroom.trail.steps import Steps
from engineroom.trail.stops import ASKED, CONTROLLER_ALONE

log = logging.getLogger(__name__)

_KILL_SECONDS = 10.0
"""How long children that were killed may take to be gone."""

_NO_ENGINE = "no engine is left"


class Host(LinkedHost):
    """`run` starts everything, serves until it is told to stop, and leaves nothing behind."""

    def __init__(
        self,
        plan: HostPlan,
        *,
        make_engines: Callable[[Host], EngineSets],
        controller: LastingSeat | None,
        report: Callable[[Report], None],
        secret: bytes | None = None,
    ) -> None:
        """`plan`: its lock is ours; `report`: for the owner; `secret`: by default drawn."""
        super().__init__(secret or new_secret())
        self.plan = plan
        self._address = HostAddress(
            ProcessRecord.of_this_process(),
            str(control_socket(plan.profile, plan.cluster_id)),
            _here(),
            round(time.time() - age(), 3),
        )
        self._options = plan.profile.options(plan.cluster_id)
        self.control = Control(self.answer, options=self._options)
        self.report = report
        self._controller = controller
        who = steps.HOST if plan.controller is not None else f"host of engines, pid {os.getpid()} on {host_name()}"
        self._steps = Steps(plan.profile.steps_file(plan.cluster_id), who)
        self._problems: dict[str, int] = {}
        self._link = HostLink(Path(plan.engine.connection_file), self.secret, self, plan.engine.way)
        self._watch = ControllerWatch(
            plan, self._steps, report=report, on_change=self.engines_changed, on_back=self._link.look_now
        )
        if controller is not None:
            controller.watch(self._watch)
        self._engines = make_engines(self)
        self._listens = False
        self._failure: Failed | None = None
        self._started = False
        self._gone = asyncio.Event()
        self._relaying: set[asyncio.Task[None]] = set()
        self._writing: asyncio.Handle | None = None

    async def run(self) -> int:
        """Be the host until the end; return the exit code."""
        try:
            await self._until_stopped(self._start())
            if not self.stopping:
                self._started = True
                await self.told_to_stop()
        except (EngineroomError, OSError) as error:
            self.fail(str(error), code=getattr(error, "code", 1))
        finally:
            await self._end()
        return 0 if self._failure is None else self._failure.code

    @property
    def started(self) -> bool:
        """Whether everything has been ready."""
        return self._started

    @property
    def ended(self) -> bool:
        """Whether everything has been stopped, and that has been said."""
        return self._gone.is_set()

    def kill(self) -> None:
        """End the children at once."""
        if self._controller is not None:
            self._controller.kill()
        self._engines.kill()

    async def answer(self, request: Request) -> Any:
        """Do what `request` asks, and return what it wants to know."""
        match request:
            case messages.StartEngines(n=n, set=name):
                name, missing = await self._engines.start(self.plan.n if n is None else n, name)
                return {"set": name, "missing": for_cluster(missing, self._options)}
            case messages.StopEngines(set=name):
                await self._engines.stop(name)
            case messages.RestartEngines(set=name):
                return {"missing": for_cluster(await self._engines.restart(name), self._options)}
            case messages.SignalEngines(signum=signum, set=name):
                await self._engines.signal(signal_number(signum), name)
            case messages.StopController():
                await self._stop_controller(CONTROLLER_ALONE)
            case messages.Stop(reason=reason):
                self.stop(reason or ASKED)
                await self._gone.wait()
            case messages.Status():
                return self.describe()
        return None

    def describe(self) -> dict[str, Any]:
        """Return what the cluster file says."""
        plan, controller = self.plan, self._controller
        return cluster_file.describe(
            options={**plan.options, **({"stop_timeout": plan.stop_timeout} if plan.takes_long_to_stop else {})},
            profile_dir=plan.profile_dir,
            cluster_id=plan.cluster_id,
            host=self._address,
            controller={} if controller is None else controller.state(),
            sets=self._engines.engines.sets(),
            handles=self._engines.handles(),
            launchers=(_short(plan.launcher_names[0]), _short(plan.launcher_names[1])),
        )

    def signal_all(self, signum: int) -> None:
        """Send a signal that we got to all engines."""
        sending = asyncio.get_running_loop().create_task(self._relay(signum))
        self._relaying.add(sending)
        sending.add_done_callback(self._relaying.discard)

    def engine_joined(self, instance: Instance, engine_id: int, launch: str, problem: str) -> None:
        super().engine_joined(instance, engine_id, launch, problem)
        if problem:
            self._steps.note(steps.STARTUP, ok=False, words=problem, who=f"engine {engine_id}")
            if problem not in self._problems:  # a hundred engines need not say it
                from engineroom.trail.fixes import advice_for  # for those that fail

                words = f"engine {engine_id} is there, but its start-up failed: {problem}{advice_for(problem)}"
                self.report(Notice(words))
            self._problems[problem] = engine_id

    def engines_changed(self) -> None:
        """What the controller knows, or the cluster file says, of engines is no longer so."""
        super().engines_changed()
        if self.plan.controller is None:
            if self._started and not len(self._engines.engines):
                self.stop(_NO_ENGINE)
        elif self._started and self._writing is None:
            self._writing = asyncio.get_running_loop().call_later(0.05, self._write_change)

    def write_file(self) -> None:
        """Write the cluster file, if there is a cluster; LaunchError: it can't be written."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        if self.plan.controller is not None:
            cluster_file.write(self.plan.profile.cluster_file(self.plan.cluster_id), self.describe())

    def _write_change(self) -> None:
        try:
            self.write_file()
        except LaunchError as error:
            log.warning("%s", error)
            self.report(Notice(f"{error}. It still shows the engines as they were before"))

    def fail(self, reason: str, code: int = 1) -> None:
        """Stop, because something that is needed is gone."""
        log.error("failed: %s", reason)
        if self._failure is None:
            self._steps.note(steps.ENDED, ok=False, words=reason)
            self._failure = Failed(reason, code, self._advice(reason))
        self.stop(reason)

    def waiting_for_controller(self, words: str, step: str) -> None:
        if self._listens:  # and so it is being restarted, which is told elsewhere
            log.info("waiting for the controller: %s", words)
            return
        super().waiting_for_controller(words, step)
        log.warning("waiting for the controller: %s", words)
        if step == steps.FILE and self.plan.controller is None:
            from engineroom.cluster.finding.registry import running_commands  # for those who mean another one

            others = running_commands("ipcluster engines", self.plan.profile)
            words += f"{'' if words.endswith(('.', '?')) else '.'} {others}" if others else ""
        self.report(Notice(f"waiting for the controller: {words}"))

    def note(self, step: str, *, ok: bool = True, words: str = "") -> None:
        self._steps.note(step, ok=ok, words=words)

    async def _start(self) -> None:
        plan = self.plan
        self.report(Progress(0, plan.n))
        if self._controller is not None:
            await self._listen()
            await self._start_controller(self._controller)
            await self._link.connect(plan.engine.connect_timeout)
            await asyncio.sleep(plan.pause if plan.n else 0)
            _, missing = await self._engines.start(plan.n)
        else:
            # Engines look for the controller by themselves, so that order does not matter.
            linking = asyncio.create_task(self._look_for_controller())
            try:
                _, missing = await self._engines.start(plan.n)
            finally:
                linking.cancel()
                await asyncio.wait((linking,))  # a cancellation of ours is not its
            self._link.keep_trying()
            if plan.n and not len(self._engines.engines):
                self.stop(_NO_ENGINE)  # the controller came and went meanwhile
                return
        self.write_file()
        if missing:
            missing += self._advice(missing)
        self.report(Ready(ready_ids(self._engines.engines), age(), missing))

    async def _look_for_controller(self) -> None:
        with contextlib.suppress(ConnectionFailed):
            await self._link.connect(self.plan.engine.connect_timeout)

    async def _listen(self) -> None:
        """Have others ask us; where there is no place for a socket, `ipcluster stop` goes by the controller."""

        def say(words: str) -> None:
            log.warning("%s", words)
            self.report(Notice(words))

        try:
            path = new_control_socket(self.plan.profile, self.plan.cluster_id, say)
            await self.control.listen(path)
        except OSError as error:
            say(f"other processes can't ask this cluster: {error}")
        else:
            self._address = msgspec.structs.replace(self._address, socket=str(path))

    async def _start_controller(self, controller: LastingSeat) -> None:
        try:
            await controller.start(self._controller_ended)
        except EngineroomError as error:
            if not getattr(error, "noted", False):
                self._steps.note(steps.LISTENS, ok=False, words=str(error), who=steps.CONTROLLER)
            raise
        self._listens = True
        self._steps.note(steps.LISTENS, words=f"port {controller.state().get('port', '')}", who=steps.CONTROLLER)

    async def _until_stopped(self, work: Any) -> None:
        """Do `work`, and give it up when the host is to stop."""
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self.told_to_stop())
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (working, stopping):
            if not task.done():
                task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working

    async def _stop_controller(self, reason: str) -> None:
        if self._controller is not None and self._listens:
            self._controller.stop(reason)
            await self._controller.ended()

    async def _end(self) -> None:
        """End the children, and take away what is ours."""
        reason = self._final_reason()
        self._link.close(reason)
        self._engines.close()
        endings = [asyncio.ensure_future(self._engines.ended())]
        if self._controller is not None:
            self._controller.stop(reason)
            endings.append(asyncio.ensure_future(self._controller.ended()))
        _, late = await asyncio.wait(endings, timeout=self.plan.stop_timeout)
        if late:
            log.error("child processes did not end and are being killed")
            self.kill()
            await asyncio.wait(endings, timeout=_KILL_SECONDS)
        for ending in endings:
            if ending.done() and isinstance(ending.exception(), EngineroomError):
                self.fail(str(ending.exception()))
        if self._writing is not None:
            self._writing.cancel()
        self._watch.close()
        if self.plan.controller is not None:
            self.control.stop_listening()
            pid_records.release(self.plan.profile.pid_file("ipcluster", self.plan.cluster_id))
            sweep(self.plan.profile, self.plan.cluster_id)
            remove_files_of(self.plan.controller)
            from engineroom.cluster.finding.registry import cluster_ids  # at the end only
            from engineroom.cluster.records.old_logs import forget

            forget(self.plan.profile.log_dir, living=cluster_ids(self.plan.profile))
        if self._failure is None:
            self._steps.note(steps.ENDED, words=reason)
        self.report(self._failure or Stopped(reason))
        self._gone.set()
        await asyncio.sleep(0)  # let those who asked for the stop be answered
        self.control.close()

    def _advice(self, reason: str) -> str:
        from engineroom.trail.first_failure import advice  # for those that fail

        return advice(steps.read_steps(self.plan.profile.steps_file(self.plan.cluster_id)), told=reason)

    async def _relay(self, signum: int) -> None:
        try:
            await self._engines.signal(signum)
        except EngineroomError as error:
            log.warning("signal not sent", extra={"signal": signum, "error": str(error)})
            self.report(Notice(str(error)))

    def _controller_ended(self, words: str, clean: bool) -> None:  # noqa: FBT001 (an OnEnd)
        if not self.stopping:
            (self.stop if clean else self.fail)(words)


def _here() -> str:
    """Return the working directory, "" if it has been removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def _short(launcher: str) -> str:
    """Return the name of a launcher as lists show it: a class of the user's own as it is."""
    return launcher if "." in launcher else launcher.lower()


def age() -> float:
    """Return how many seconds ago this process was started."""
    try:
        ticks = int(start_time(os.getpid()) or "")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (ValueError, AttributeError, OSError):
        return time.process_time()  # not on Linux: all that can be said
