"""The controller of a host on another machine, which it reaches by ssh; its connection files are copied to here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engineroom.cluster.clearing.sweeper import Sweeper
from engineroom.cluster.launchers.ssh.command import place_in
from engineroom.cluster.line.messages import Failed, Notice, Report, Stopped
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.seats.seat import NoController, OnEnd
from engineroom.cluster.ssh.messages import Listening, LogText, RemoteReport
from engineroom.cluster.ssh.near.fetching import fetch_all
from engineroom.cluster.ssh.near.logs import LogCopy
from engineroom.cluster.ssh.near.machine import Machine
from engineroom.cluster.ssh.near.plans import controller_plan
from engineroom.errors import LaunchError
from engineroom.ids import Instance
from engineroom.machine.private_files import write_private
from engineroom.machine.pulse import Pulse
from engineroom.settings.launchers import SSHControllerLauncher
from engineroom.trail.steps import SUBMITTED, Steps

log = logging.getLogger(__name__)


def seat_by_ssh(
    plan: HostPlan,
    options: SSHControllerLauncher,
    instance: Instance,
    report: Callable[[Report], None],
    shared: dict[str, Any],
) -> RemoteController:
    """Return the controller of a host that `options` have on another machine. LaunchError: as `RemoteController`."""
    del instance, shared
    return RemoteController(plan, options, report=report)


class RemoteController:
    """Starts a controller by ssh, and ends with it."""

    def __init__(self, plan: HostPlan, options: SSHControllerLauncher, *, report: Callable[[Report], None]) -> None:
        """LaunchError: the options name no machine."""
        self._plan, self._options, self._report = plan, options, report
        self._pulse = Pulse()
        self._listening: Listening | None = None
        self._failed: Failed | None = None
        self._stopped = False
        self._on_end: OnEnd | None = None
        self._sweeper: Sweeper | None = None
        self._steps = Steps(plan.profile.steps_file(plan.cluster_id), "controller")
        self._machine = Machine(
            place_in(options),
            options,
            what="controller",
            environment=options.environment,
            steps=self._steps,
            on_report=self._hear,
            on_lost=self._lost,
            on_notice=lambda words: report(Notice(words)),
        )

    async def start(self, on_end: OnEnd) -> None:
        self._on_end = on_end
        # A controller of this machine would see to it itself.
        self._sweeper = Sweeper(self._plan.profile_dir, self._plan.cluster_id)
        machine, plan = self._machine, self._plan
        self._steps.note(SUBMITTED, words=f"by ssh, on {machine.name}")
        seconds = self._options.connection_info_timeout
        try:
            words = controller_plan(plan, self._options, door=machine.door)
            await machine.reach(seconds)
            machine.begin(words)
            await self._pulse.until(lambda: self._listening is not None or machine.lost, seconds)
            if self._listening is None:
                raise NoController(*self._why(seconds))
            self._keep_files(self._listening, self._sweeper)
            await fetch_all(machine, self._options.to_fetch)
        except (LaunchError, OSError) as error:
            code, noted = getattr(error, "code", 1), getattr(error, "noted", False)
            raise NoController(f"the controller did not start on {error}", code, noted=noted) from error

    def stop(self, reason: str) -> None:
        self._machine.close(reason)

    def kill(self) -> None:
        self._machine.kill()

    async def leave(self) -> None:
        self._machine.close("its controller has ended")
        await self._machine.ended()
        if self._sweeper is not None:
            self._sweeper.dismiss()

    async def ended(self) -> None:
        await self._machine.ended()
        if self._listening is not None and not self._listening.reuse:
            for path in self._files():
                path.unlink(missing_ok=True)
        if self._sweeper is not None:
            self._sweeper.dismiss()

    def state(self) -> dict[str, Any]:
        told = self._listening
        if told is None:
            return {}
        log_file = self._plan.profile.log_file("ipcontroller", self._plan.cluster_id)
        return {"pid": told.pid, "port": told.port, "machine": self._machine.name, "output_file": str(log_file)}

    def _why(self, seconds: float) -> tuple[str, int]:
        if self._failed is not None:
            return f"{self._machine.name}: {self._failed.reason}", self._failed.code
        return f"{self._machine.name}: it did not listen within {seconds:g} s", 1

    def _files(self) -> tuple[Path, Path]:
        """Return where the connection files for clients and for engines are kept here."""
        assert self._plan.controller is not None
        return self._plan.controller.connection_files.client, Path(self._plan.engine.connection_file)

    def _keep_files(self, told: Listening, sweeper: Sweeper) -> None:
        if not told.reuse:
            sweeper.also(self._files())
        for path, text in zip(self._files(), (told.client, told.engine), strict=True):
            write_private(path, text.encode())

    def _hear(self, report: RemoteReport) -> None:
        match report:
            case Listening():
                if self._listening is not None and self._sweeper is not None:
                    self._keep_files(report, self._sweeper)  # of the one that its host there has restarted
                self._listening = report
            case Notice(words=words):
                self._report(Notice(f"{self._machine.name}: {words}"))
            case Failed():
                self._failed = report
            case Stopped():
                self._stopped = True
            case LogText():
                self._copy(report)
            case _:
                pass  # it has no engines
        self._pulse.beat()

    def _copy(self, said: LogText) -> None:
        try:
            LogCopy(self._plan.profile.log_file("ipcontroller", self._plan.cluster_id)).take(said)
        except OSError as error:
            log.warning("the log of the controller can't be kept", extra={"error": error})

    def _lost(self, words: str, certain: bool) -> None:  # noqa: FBT001 (as a Machine calls it)
        del certain
        self._pulse.beat()
        if self._listening is not None and self._on_end is not None:
            said = "the controller has stopped" if self._stopped else f"the controller on {self._machine.name}: {words}"
            self._on_end(said, self._stopped)
