"""A controller in a job, or wherever else a launcher starts one.

It reads its profile there, and writes its connection files where we see them, for the file system is shared. No pipe
tells it that we are gone: a sweeper here cancels its job then, and if our machine is gone, it has a lease
(`controller/lease`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engineroom.cluster.clearing.sweeper import Sweeper
from engineroom.cluster.launchers.launcher import Command, Handle, Launcher, State, Status
from engineroom.cluster.launchers.polling import Polling, Watched
from engineroom.cluster.line.messages import Notice, Report
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.records import pid_records
from engineroom.cluster.records.leftovers import is_dead
from engineroom.cluster.seats.seat import NoController, OnEnd
from engineroom.errors import ConnectionFailed, ConnectionFileError, LaunchError
from engineroom.ids import Instance
from engineroom.machine.processes import ProcessRecord
from engineroom.machine.pulse import Pulse
from engineroom.protocol.connection_files import ConnectionFile, read_connection_file
from engineroom.trail.steps import CONTROLLER, ENDED, QUEUED, SUBMITTED, Steps

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.2
"""Seconds between two looks for the connection files."""

_ASK_SECONDS = 3.0
"""How long the controller may take to end when asked, before its job is cancelled."""


class ControllerJob:
    """Starts `command` by `launcher`, and waits for its connection files. `seconds`: how long they may take once it
    runs; `instance`: of the host; `look_every`: seconds between two looks for them; `ask_seconds`: how long the
    controller may take to end when asked."""

    def __init__(
        self,
        plan: HostPlan,
        instance: Instance,
        launcher: Launcher,
        command: Command,
        *,
        seconds: float,
        report: Callable[[Report], None],
        polling: Polling | None = None,
        look_every: float = _LOOK_EVERY,
        ask_seconds: float = _ASK_SECONDS,
    ) -> None:
        """`polling`: the host's."""
        assert plan.controller is not None
        self._plan, self._config, self._launcher, self._seconds, self._report = (
            plan,
            plan.controller,
            launcher,
            seconds,
            report,
        )
        self._look_every, self._ask_seconds = look_every, ask_seconds
        self._command = command.launched_by(instance)
        self._steps = Steps(plan.profile.steps_file(plan.cluster_id), CONTROLLER)
        self._sweeper: Sweeper | None = None
        self._handle: Handle | None = None
        self._polling, self._polled = polling or Polling(), list[Watched]()
        self._status, self._pulse = Status(State.WAITING), Pulse()
        self._running_since: float | None = None
        self._said = ""  # why it waits
        self._info: ConnectionFile | None = None
        self._watch: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    async def start(self, on_end: OnEnd) -> None:
        self._sweeper = Sweeper(self._plan.profile_dir, self._plan.cluster_id)
        before = [_written_by(path) for path in self._config.connection_files]
        self._steps.note(SUBMITTED, words=f"by {self._plan.launcher_names[0]}")
        try:
            self._handle = await self._launcher.start(self._command)
        except LaunchError as error:
            self._steps.note(SUBMITTED, ok=False, words=str(error), fix=error.fix)
            raise NoController(str(error), noted=True) from error
        if words := self._handle.get("words"):
            self._steps.note(SUBMITTED, words=str(words))
        self._polled.append(self._polling.watch(self._launcher, self._handle, self._hear))
        self._info = await self._listening(before)
        self._watch = asyncio.get_running_loop().create_task(self._keep_watching(self._handle, on_end))

    def stop(self, reason: str) -> None:
        if self._ending is None:
            log.info("stopping the controller's job", extra={"reason": reason})
            self._ending = asyncio.get_running_loop().create_task(self._end())

    def kill(self) -> None:
        """Do nothing: a launcher's `stop` is as hard as it can be."""

    async def leave(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        while self._polled:
            self._polling.drop(self._polled.pop())
        if self._handle is not None:
            try:
                await self._launcher.stop(self._handle)  # what did not start in time may run yet
            except LaunchError as error:
                log.warning("the controller's job can't be ended: %s", error)
        if self._info is not None:
            self._remove_traces(self._info)
        if self._sweeper is not None:
            self._sweeper.dismiss()

    async def ended(self) -> None:
        if self._ending is not None:
            await self._ending
        if self._sweeper is not None:
            self._sweeper.dismiss()

    def state(self) -> dict[str, Any]:
        if self._handle is None:
            return {}
        state = {"handle": self._handle, "output_file": self._command.log_file}
        return state if self._info is None else {**state, "port": self._info.port}

    async def _listening(self, before: list[ProcessRecord | None]) -> ConnectionFile:
        """Return what the controller wrote once it listens; NoController: it has ended, or takes too long."""
        loop, files = asyncio.get_running_loop(), self._config.connection_files
        while True:
            now = [_written_by(path) for path in files]
            if all(new is not None and new != old for new, old in zip(now, before, strict=True)):
                return read_connection_file(files.client)
            if self._status.state is State.ENDED:
                self._note_end(self._status)
                raise NoController(f"the controller did not start: {self._how(self._status)}", noted=True)
            if self._running_since is not None and loop.time() - self._running_since > self._seconds:
                raise NoController(
                    "the controller is running, but its connection files did not appear in "
                    f"{files.client.parent} within {self._seconds:g} s. Is that directory shared with the "
                    f"machine that it runs on? Its output: {self._command.log_file}"
                )
            await self._pulse.until(lambda: self._status.state is State.ENDED, self._look_every)

    def _hear(self, said: Status | LaunchError) -> None:
        """Take its status, or why it cannot be queried."""
        if isinstance(said, LaunchError):
            log.warning("its status cannot be queried: %s", said)
            said = Status(State.WAITING, str(said))
        self._status = said
        if said.state is State.RUNNING:
            self._running_since = self._running_since or asyncio.get_running_loop().time()
        elif said.state is State.WAITING and said.words not in {"", self._said} and self._info is None:
            self._said = said.words
            self._steps.note(QUEUED, words=said.words, fix=said.fix)
            self._report(Notice(f"the controller is waiting: {said.words}"))
        self._pulse.beat()

    def _note_end(self, status: Status) -> None:
        self._steps.note(ENDED, ok=False, words=status.words, fix=status.fix)

    def _how(self, status: Status) -> str:
        words = status.words or "it has ended"
        return f"{words}; its output: {self._command.log_file}" if self._command.log_file else words

    async def _keep_watching(self, handle: Handle, on_end: OnEnd) -> None:
        if (end := self._launcher.ended(handle)) is not None:
            status = await end
        else:
            await self._pulse.until(lambda: self._status.state is State.ENDED)
            status = self._status
        self._note_end(status)
        on_end(f"the controller has ended: {self._how(status)}", self._ended_in_order())

    def _ended_in_order(self) -> bool:
        """Whether it has taken its files away, as one does that was asked to end."""
        pid_file = self._plan.profile.pid_file("ipcontroller", self._plan.cluster_id)
        kept = [pid_file] if self._config.reuse else [pid_file, *self._config.connection_files]
        return not any(path.exists() for path in kept)

    async def _end(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        while self._polled:
            self._polling.drop(self._polled.pop())
        if self._info is not None:
            from engineroom.cluster.clearing.last_resorts import end_controller  # slow to import, and only needed now

            # A controller that ends by itself tells everybody why, and takes its files away.
            with contextlib.suppress(ConnectionFailed, ConnectionFileError, TimeoutError):
                async with asyncio.timeout(self._ask_seconds):
                    await end_controller(self._plan.profile, self._plan.cluster_id)
        if self._handle is not None:
            await self._launcher.stop(self._handle)
        if self._info is not None:
            self._remove_files(self._info)

    def _remove_files(self, info: ConnectionFile) -> None:
        """Do what a controller that was killed could not do: it certainly has ended."""
        self._remove_traces(info)
        if not self._config.reuse:
            for path in self._config.connection_files:
                if _written_by(path) == info.controller:
                    path.unlink(missing_ok=True)

    def _remove_traces(self, info: ConnectionFile) -> None:
        """Remove what would be in the way of the next one."""
        pid_file = self._plan.profile.pid_file("ipcontroller", self._plan.cluster_id)
        if info.controller is not None and pid_records.read(pid_file) == info.controller:
            pid_file.unlink(missing_ok=True)
        if info.same_machine and info.socket and is_dead(Path(info.socket)):
            Path(info.socket).unlink(missing_ok=True)


def _written_by(path: Path) -> ProcessRecord | None:
    """Return which controller wrote the connection file, None if there is none."""
    try:
        return read_connection_file(path).controller
    except ConnectionFileError:
        return None
