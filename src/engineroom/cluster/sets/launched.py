"""The engines of a host that a launcher started: as ranks of an MPI world, in the jobs of a batch system.

`life/launched.py` decides; the launcher, the steps of the start and whoever watches are reached from here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, assert_never

from engineroom.cluster.launchers.launcher import Command, Handle, Launcher, Status
from engineroom.cluster.launchers.polling import Polling, Watched
from engineroom.cluster.line.errors import NoSuchSet
from engineroom.cluster.line.messages import EngineDied, Notice, Progress
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.sets.engine_sets import EnginesHost
from engineroom.cluster.sets.life import actions, events
from engineroom.cluster.sets.life.launched import LaunchedLife
from engineroom.cluster.sets.life.set_phases import LaunchedSet
from engineroom.cluster.sets.remarks import about_set, all_engines
from engineroom.cluster.sets.waiters import Waiters
from engineroom.errors import LaunchError
from engineroom.ids import Instance
from engineroom.machine.pulse import Pulse
from engineroom.machine.ticking import Ticking
from engineroom.protocol.messages import Coming, EngineExited
from engineroom.trail import steps
from engineroom.trail.launches import parse_launch
from engineroom.trail.steps import Steps

log = logging.getLogger(__name__)


class LaunchedEngines:
    """Starts sets of `host` by `launcher`, and watches them. `make_command(n, name)` says what is to be started;
    `polling`: the host's."""

    def __init__(
        self,
        plan: HostPlan,
        host: EnginesHost,
        launcher: Launcher,
        *,
        make_command: Callable[[int, str], Command],
        polling: Polling | None = None,
    ) -> None:
        self._plan, self._host, self._launcher = plan, host, launcher
        self._make_command = make_command
        self._life = LaunchedLife(late=plan.engine_timeout, telling=launcher.tell(self._process_exited))
        self.engines = self._life.engines
        self._ticking = Ticking(self._life.wake, lambda: self._feed(events.Tick()))
        self._pulse = Pulse()
        self._steps = Steps(plan.profile.steps_file(plan.cluster_id), "engines")
        self._starts, self._stops = Waiters(), Waiters()
        self._launching: dict[str, asyncio.Task[None]] = {}
        self._polling = polling or Polling()
        self._polled: dict[int, Watched] = {}
        self._watching: set[asyncio.Task[None]] = set()
        self._restarting: set[asyncio.Task[None]] = set()
        self._stopping: set[asyncio.Task[None]] = set()
        self._problems: list[Exception] = []  # of stops that nobody waits for

    async def start(self, n: int, name: str = "") -> tuple[str, str]:
        name = self.engines.new_set(name, taken=[each.name for each in self._life])
        if not n:
            return name, ""
        over = self._starts.of(name)
        self._feed(events.StartSet(name, n))
        try:
            return name, await over
        except asyncio.CancelledError:
            if launching := self._launching.get(name):
                launching.cancel()
                await asyncio.wait([launching])
            raise

    async def stop(self, name: str = "") -> None:
        leaving = self._names(name)
        over = [self._stops.of(each.name) for each in self._life.named(name)]
        self._feed(events.StopSets(leaving))
        await asyncio.gather(*over)

    async def restart(self, name: str = "") -> str:
        restarted = self._names(name)
        self._feed(events.RestartSets(restarted))
        over = await asyncio.gather(*(self._starts.of(each) for each in restarted), return_exceptions=True)
        words = "; ".join(str(each) for each in over if str(each))
        if errors := [each for each in over if isinstance(each, BaseException)]:
            raise errors[0] if len(over) == 1 else LaunchError(words)
        return words

    async def signal(self, signum: int, name: str = "") -> None:
        problems = await asyncio.gather(*(self._signal(each, signum) for each in self._named(name)))
        if any(problems):
            raise LaunchError("; ".join(filter(None, problems)))

    async def _signal(self, meant: LaunchedSet, signum: int) -> str:
        try:
            await self._launcher.signal(meant.handle, signum)
        except LaunchError as error:
            return f"engine set {meant.name} got no signal: {error}"
        return ""

    def signal_instance(self, instance: Instance, signum: int) -> None:
        engine = self.engines.of(instance)
        if engine is not None:
            words = f"engine {engine.label} was started by a launcher, which signals only whole sets"
            log.warning(words)
            self._host.report(Notice(words))

    def restart_instances(self, instances: Sequence[Instance]) -> None:
        meant = {name for each in instances if (name := self._life.set_of(each)) is not None}
        self._keep(self._restarting, self._restart_by_request(sorted(meant)))

    async def _restart_by_request(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                words = await self.restart(name)
            except LaunchError as error:
                words = str(error)
            if words:
                log.warning(words)
                self._host.report(Notice(words))

    def joined(self, instance: Instance, engine_id: int, launch: str) -> None:
        told = parse_launch(launch)
        if told is not None:
            self._feed(events.Joined(instance, engine_id, told.set))

    def left(self, instance: Instance, cause: str) -> None:
        self._feed(events.Left(instance, cause))

    def coming(self) -> Coming:
        return self._life.coming()

    def handles(self) -> dict[str, Any]:
        return self._life.handles()

    def _process_exited(self, pid: int, how: str, own: bool) -> None:  # noqa: FBT001 (an OnExit)
        self._host.process_exited(pid, how, own=own)
        self._polling.look()

    def close(self) -> None:
        for task in self._watching:
            task.cancel()
        self._feed(events.Closed())

    async def ended(self) -> None:
        await self._pulse.until(lambda: not self._life.busy())
        if self._problems:
            raise self._problems[0]

    def kill(self) -> None:
        """Do nothing: a launcher's `stop` is as hard as it can be."""

    def _named(self, name: str) -> list[LaunchedSet]:
        found = self._life.named(name)
        if name and not found:
            raise NoSuchSet.named(name, self._life.handles())
        return found

    def _names(self, name: str) -> tuple[str, ...]:
        """Return the name of the set that is meant, or of all sets, with those that have ended by themselves."""
        ended = self._life.over.named(name)
        return (*ended, *(each.name for each in (self._life.named(name) if ended else self._named(name))))

    def _feed(self, event: events.SetEvent, error: Exception | None = None) -> None:
        """Take what happens; `error`: what was raised, if that is what happens."""
        for action in self._life.handle(event, asyncio.get_running_loop().time()):
            self._perform(action, error)
        self._ticking.arm()
        self._pulse.beat()

    def _perform(self, action: actions.SetAction, error: Exception | None) -> None:
        match action:
            case actions.Launch(launch, name, n):
                self._launching[name] = asyncio.ensure_future(self._launch(launch, name, n))
            case actions.Watch(launch):
                self._watch(launch)
            case actions.Unwatch(launch):
                self._polling.drop(self._polled.pop(launch))
            case actions.Stop(launch):
                self._keep(self._stopping, self._stop(launch))
            case actions.SetComplete() | actions.SetShort() | actions.StartOver() | actions.StopOver():
                self._over(action, error)
            case actions.Dismiss() | actions.SayGone() | actions.Changed():
                self._tell_host(action)
            case _:
                self._tell(action)

    def _tell_host(self, action: actions.Dismiss | actions.SayGone | actions.Changed) -> None:
        match action:
            case actions.Dismiss(engine_ids):
                self._host.dismiss_engines(engine_ids)
            case actions.SayGone(instance, cause):
                self._host.engine_exited(EngineExited(instance, cause))
            case actions.Changed():
                self._host.engines_changed()
            case _:
                assert_never(action)

    def _tell(self, action: actions.Told) -> None:
        match action:
            case actions.Count(ready, n):
                self._host.report(Progress(ready, n))
            case actions.Remark(words):
                self._host.report(Notice(words))
            case actions.Queued(name, words, fix):
                self._steps.note(steps.QUEUED, words=words, fix=fix, who=self._who(name))
                self._host.report(Notice(f"waiting: {words}"))
            case actions.NotAsked(problem, waited_for):
                log.warning("its status cannot be queried: %s", problem)
                if waited_for:
                    self._host.report(Notice(f"waiting: {problem}"))
            case actions.EngineLost(label, cause, log_file):
                log.warning("engine died", extra={"engine": label, "cause": cause})
                self._steps.note(steps.ENDED, ok=False, words=cause, who=f"engine {label}")
                self._host.report(EngineDied(label, cause, log_file))
            case actions.SetEnded(name, words, fix):
                self._steps.note(steps.ENDED, ok=False, words=words, fix=fix, who=self._who(name))
                log.warning("a set of engines has ended", extra={"set": name, "how": words})
            case _:
                assert_never(action)

    def _over(self, action: actions.Over, error: Exception | None) -> None:
        match action:
            case actions.SetComplete(name, n):
                self._steps.note(steps.REGISTERED, words=all_engines(n), who=self._who(name))
                self._starts.over(name)
            case actions.SetShort():
                self._short(action)
            case actions.StartOver(name, problem):
                self._starts.over(name, error=(error or LaunchError(problem)) if problem else None)
            case actions.StopOver(name, problem):
                self._stop_over(name, (error or LaunchError(problem)) if problem else None)
            case _:
                assert_never(action)

    def _stop_over(self, name: str, error: Exception | None) -> None:
        if error is not None and not self._stops.waited_for(name):
            self._problems.append(error)
        self._stops.over(name, error=error)

    def _short(self, short: actions.SetShort) -> None:
        words = about_set(short, timeout=self._plan.engine_timeout)
        self._steps.note(steps.REGISTERED, ok=False, words=words, who=self._who(short.set))
        self._starts.over(short.set, words, error=LaunchError(words) if short.failed else None)

    def _who(self, name: str) -> str:
        return steps.of_engines(name, alone=self._plan.controller is None)

    async def _launch(self, launch: int, name: str, n: int) -> None:
        try:
            command = self._make_command(n, name).launched_by(self._host.instance, name)
            handle = await self._start(command, n, name)
        except asyncio.CancelledError:
            self._feed(events.NotLaunched(launch, "its start was cancelled"))
            raise
        except Exception as error:  # noqa: BLE001 (whoever asked for it is told, whatever it is)
            self._feed(events.NotLaunched(launch, _words_of(error)), error)
            return
        finally:
            del self._launching[name]
        self._feed(events.Launched(launch, handle, command.log_file))
        if not self._life.closing and (end := self._launcher.ended(handle)) is not None:
            self._keep(self._watching, self._hear_of_end(launch, end))

    async def _start(self, command: Command, n: int, name: str) -> Handle:
        """Start `command`, and note that step."""
        who = self._who(name)
        self._steps.note(steps.SUBMITTED, words=f"{n} by {self._plan.launcher_names[1]}", who=who, n=n)
        try:
            handle = await self._launcher.start(command)
        except LaunchError as error:
            self._steps.note(steps.SUBMITTED, ok=False, words=str(error), fix=error.fix, who=who)
            raise
        if words := handle.get("words"):
            self._steps.note(steps.SUBMITTED, words=str(words), who=who)
        return handle

    async def _stop(self, launch: int) -> None:
        handle = self._life.handle_of(launch)
        assert handle is not None
        try:
            await self._launcher.stop(handle)
        except Exception as error:  # noqa: BLE001 (as above)
            self._feed(events.NotStopped(launch, _words_of(error)), error)
        else:
            self._feed(events.Stopped(launch))

    def _watch(self, launch: int) -> None:
        def hear(said: Status | LaunchError) -> None:
            if isinstance(said, LaunchError):
                self._feed(events.NotHeard(launch, str(said)))
            else:
                self._feed(events.Heard(launch, said))

        handle = self._life.handle_of(launch)
        assert handle is not None
        self._polled[launch] = self._polling.watch(self._launcher, handle, hear)

    async def _hear_of_end(self, launch: int, end: Coroutine[Any, Any, Status]) -> None:
        self._feed(events.Heard(launch, await end))

    def _keep(self, tasks: set[asyncio.Task[None]], work: Any) -> None:
        task = asyncio.ensure_future(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)


def _words_of(error: Exception) -> str:
    return str(error) or type(error).__name__
