"""A remote host's controller: that of a cluster whose owner is on another machine."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from subprocess import Popen
from typing import Any

import msgspec

from engineroom.cluster.host.stoppable import Stoppable
from engineroom.cluster.line.children import CONTROLLER as MODULE
from engineroom.cluster.line.children import let_go, start
from engineroom.cluster.line.messages import Failed, Notice, Stop, Stopped
from engineroom.cluster.plan.programs import controller_config
from engineroom.cluster.records.leftovers import remove_files_of, sweep
from engineroom.cluster.seats.child import ControllerChild
from engineroom.cluster.seats.controller_plan import ControllerPlan
from engineroom.cluster.seats.lasting import LastingSeat
from engineroom.cluster.seats.own_command import CommandSeat
from engineroom.cluster.seats.seat import ControllerSeat
from engineroom.cluster.ssh.far.addresses import with_address
from engineroom.cluster.ssh.far.door import Door
from engineroom.cluster.ssh.far.file_contents import contents
from engineroom.cluster.ssh.far.log_feed import CONTROLLER, LogFeed
from engineroom.cluster.ssh.far.options import layered, says
from engineroom.cluster.ssh.far.owner import Owner
from engineroom.cluster.ssh.messages import ControllerPart, Fetch, Listening, RemotePlan, RemoteRequest
from engineroom.controller.config import ControllerConfig
from engineroom.errors import LaunchError
from engineroom.settings.controller import IPController
from engineroom.settings.option import names_in
from engineroom.trail import steps

log = logging.getLogger(__name__)

_LOOK_EVERY = 0.5
_END_SECONDS = 4.0


class RemoteControllerHost(Stoppable):
    """`run` looks after a controller until the owner says stop, or is gone for good, or the controller ends."""

    def __init__(self, plan: RemotePlan, child: Popen[bytes], door: Door) -> None:
        """OptionError, ProfileError: the profile there can't be used. `child`: waits for a controller's plan."""
        assert plan.controller is not None
        super().__init__()
        self._plan, self._door = plan, door
        options = _options(plan, plan.controller)
        self._profile, self._config = options.profile_directory, controller_config(options)
        self._profile.prepare()
        self._log_file = self._profile.log_file("ipcontroller", plan.cluster_id)
        self._seat = self._lasting(plan, plan.controller, child)
        self._seat.watch(self)
        steps.begin_for(self._profile.steps_file(plan.cluster_id), plan.start)
        self._failure: Failed | None = None

    async def run(self, read: int, write: int, heard: bytes) -> int:
        """Be the controller's host until the end; return the exit code."""
        self._owner = Owner(
            self._door,
            lease=self._plan.lease,
            answer=self._answer,
            on_return=lambda: None,
            on_gone=lambda words, cut: self.stop(words),
        )
        self._feed = LogFeed(self._owner.tell)
        self._owner.begin(read, write, heard)
        working = asyncio.ensure_future(self._work())
        try:
            await self.told_to_stop()
        finally:
            working.cancel()
            await self._end()
        return 0 if self._failure is None else self._failure.code

    def controller_fallen(self, words: str, pause: float) -> None:
        """The controller has died, and is started again: the owner is told."""
        log.warning("restarting the controller: %s", words, extra={"pause_s": pause})
        self._owner.tell(Notice(f"{words}. It is restarted{f' in {pause:g} s' if pause else ''}"))

    def controller_back(self, port: int) -> None:
        """Another controller listens in its place: the owner gets the files that it has written."""
        log.warning("the controller is running again", extra={"port": port})
        self._owner.tell(Notice("the controller is running again: engines and clients reconnect"))
        try:
            self._tell_where()
        except OSError as error:
            log.warning("the connection files of the controller can't be read: %s", error)

    def _lasting(self, plan: RemotePlan, part: ControllerPart, child: Popen[bytes]) -> LastingSeat:
        def another() -> ControllerSeat:
            again = msgspec.structs.replace(self._config, restore=True)
            if part.command:
                return self._of_command(plan, part, again)
            return self._child(plan, part, again, start(MODULE))

        if part.command:
            let_go(child)
            first = self._of_command(plan, part, self._config)
        else:
            first = self._child(plan, part, self._config, child)
        return LastingSeat(first, another if part.restart else None, here=None if part.command else self._config)

    def _child(
        self, plan: RemotePlan, part: ControllerPart, config: ControllerConfig, child: Popen[bytes]
    ) -> ControllerSeat:
        line = msgspec.json.encode(
            ControllerPlan(
                config=config,
                profile_dir=str(self._profile.path),
                log_file=str(self._log_file),
                log_level=plan.log_level,
            )
        )
        return ControllerChild(child, line, log_file=self._log_file, seconds=part.timeout)

    def _of_command(self, plan: RemotePlan, part: ControllerPart, config: ControllerConfig) -> ControllerSeat:
        argv = self._own_argv(plan, part)
        if config.restore and not says(part.arguments, "restore"):
            argv.append("--restore")
        return CommandSeat(argv, config.connection_files, log_file=self._log_file, seconds=part.timeout)

    def _own_argv(self, plan: RemotePlan, part: ControllerPart) -> list[str]:
        """Return the user's command with its arguments, and what it would not know from them."""
        argv = [*part.command, *part.arguments]
        if not says(part.arguments, "profile", "profile-dir"):
            argv.append(f"--profile-dir={self._profile.path}")
        if not says(part.arguments, "cluster-id"):
            argv += _cluster_id(plan)
        if not says(part.arguments, "ip"):
            argv.append(f"--ip={self._config.ip}")
        if self._config.reuse and not says(part.arguments, "reuse"):
            argv.append("--reuse")
        return argv

    async def _work(self) -> None:
        try:
            await self._seat.start(self._ended)
            self._tell_where()
        except (LaunchError, OSError) as error:
            self._fail(str(error), getattr(error, "code", 1))
            return
        while True:
            if self._owner.here:
                self._feed.look(CONTROLLER, self._log_file)
            await asyncio.sleep(_LOOK_EVERY)

    def _tell_where(self) -> None:
        """Tell the owner where the controller listens. OSError: its files can't be read."""
        client, engine = (_with_our_address(path) for path in self._config.connection_files)
        state = self._seat.state()
        self._owner.tell(Listening(state["port"], state["pid"], client, engine, self._config.reuse))

    async def _answer(self, request: RemoteRequest) -> Any:
        match request:
            case Fetch(path=path):
                return contents(path)
            case Stop(reason=reason):
                self.stop(reason)
                return None
            case _:
                raise LaunchError("there are no engines here")

    def _ended(self, words: str, clean: bool) -> None:  # noqa: FBT001 (an OnEnd)
        if not self.stopping:
            if not clean:
                self._failure = Failed(words)
            self.stop(words)

    def _fail(self, words: str, code: int) -> None:
        self._failure = Failed(words, code)
        self.stop(words)

    async def _end(self) -> None:
        reason = self._final_reason()
        self._seat.stop(reason)
        try:
            async with asyncio.timeout(_END_SECONDS):
                await asyncio.shield(self._seat.ended())
        except TimeoutError:
            log.exception("the controller did not end, and is killed")
            self._seat.kill()
            await self._seat.ended()
        sweep(self._profile, self._plan.cluster_id)  # what a controller leaves that was killed
        remove_files_of(self._config)
        self._feed.look(CONTROLLER, self._log_file)
        self._owner.tell(self._failure or Stopped(reason))
        await self._owner.close()


def _cluster_id(plan: RemotePlan) -> list[str]:
    return [f"--cluster-id={plan.cluster_id}"] if plan.cluster_id else []


def _options(plan: RemotePlan, part: ControllerPart) -> IPController:
    """Return the controller's options: from the profile there, and what was sent along counts more."""
    place = f"--profile-dir={plan.profile_dir}" if plan.profile_dir else f"--profile={plan.profile}"
    options = layered(IPController, [place, *_cluster_id(plan), *part.usual], part.arguments)
    said = set(names_in(options.config))
    if "IPController.ip" not in said:
        options.ip = "*"  # encrypted, and with a key: nobody else gets in
    if "IPController.reuse_files" not in said:
        options.reuse_files = True  # so that files that people have copied stay right
    return options


def _with_our_address(path: Path) -> str:
    """Return the contents of a connection file, and in it the address by which ssh came: it reaches us for certain."""
    text, where = path.read_text(encoding="utf-8"), os.environ.get("SSH_CONNECTION", "").split()
    return with_address(text, where[2]) if len(where) > 2 else text
