"""The engines of a host that a launcher started: as ranks of an MPI world, in the jobs of a batch system.

A launcher starts a whole set, and knows how that is. The controller tells which engines of it have registered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engineroom.cluster.launchers.launcher import Command, Handle, Launcher, State, Status, Telling, Watchful
from engineroom.cluster.line.errors import NoSuchSet
from engineroom.cluster.line.messages import EngineDied, Notice, Progress, Report
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.sets.hosted import HostedEngines, ready_ids
from engineroom.errors import LaunchError
from engineroom.ids import Instance
from engineroom.machine.logs import last_line
from engineroom.machine.pulse import Pulse
from engineroom.protocol.messages import Coming
from engineroom.trail import steps
from engineroom.trail.launches import VARIABLE, Launch, parse_launch
from engineroom.trail.steps import Steps

log = logging.getLogger(__name__)

_SOON, _LATER = 1.0, 30.0
"""Seconds between two polls: for the first `_LATER` seconds, and then."""

_NOTICED, _FAREWELL = 0.5, 2.0
"""Seconds within which a controller notices by itself that engines have ended, and when it is told so."""


@dataclass(slots=True)
class _Set:
    """What was started together. `arrived`: how many engines of it have ever registered; `given_up`: the others are
    not waited for any more; `problem`: why it can't be asked how it is."""

    name: str
    n: int
    handle: Handle
    began: float
    log_file: str
    status: Status = field(default_factory=lambda: Status(State.WAITING))
    running_since: float | None = None
    arrived: int = 0
    leaving: bool = False
    given_up: bool = False
    problem: str = ""

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits for engines of it that have not registered."""
        return self.arrived < self.n and not self.given_up


class LaunchedEngines:
    """Starts sets by `launcher`, and watches them. `make_command(n, name)` says what is to be started."""

    def __init__(
        self,
        plan: HostPlan,
        instance: Instance,
        launcher: Launcher,
        *,
        make_command: Callable[[int, str], Command],
        report: Callable[[Report], None],
        on_change: Callable[[], None],
        on_exit: Callable[[Instance, str], None] = lambda *_: None,
        dismiss: Callable[[Sequence[int]], None] = lambda _: None,
    ) -> None:
        """`on_exit`: is told which engines have ended, and how; `dismiss`: has the controller tell engines to end."""
        self.engines = HostedEngines()
        self._plan, self._instance, self._launcher = plan, instance, launcher
        self._make_command, self._report, self._on_change = make_command, report, on_change
        self._on_exit, self._dismiss = on_exit, dismiss
        self._sets: dict[str, _Set] = {}
        # What has joined of sets whose launcher has not said yet that they are started: a job may be quicker than that.
        self._early: dict[str, list[tuple[Instance, int, str]]] = {}
        self._returning: set[str] = set()  # names of sets that are stopped and started again
        self._to_launch = 0  # engines that launchers have not been asked for yet, or have not said to be started
        self._closing = False
        self._pulse = Pulse()
        self._news = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._endings: list[asyncio.Task[None]] = []
        self._steps = Steps(plan.profile.steps_file(plan.cluster_id), "engines")
        self._waits: list[asyncio.Task[None]] = []

    async def start(self, n: int, name: str = "") -> tuple[str, str]:
        name = self.engines.new_set(name, taken=(*self._sets, *self._early, *self._returning))
        return (name, await self._start(n, name)) if n else (name, "")

    async def _start(self, n: int, name: str) -> str:
        """Start `n` engines as the set `name`; return what is wrong with some of them."""
        command = self._make_command(n, name)
        launch = Launch(self._instance, name, command.cluster_id, command.profile_dir)
        environment = {**command.environment, VARIABLE: str(launch)}
        loop = asyncio.get_running_loop()
        self._early.setdefault(name, [])
        self._expect(n)
        try:
            handle = await self._launch(msgspec.structs.replace(command, environment=environment), n, name)
            if self._closing:
                await self._launcher.stop(handle)
                raise LaunchError(f"engine set {name} was not started: the cluster is stopping")
            started = self._sets[name] = _Set(name, n, handle, loop.time(), command.log_file)
        finally:
            early = self._early.pop(name, [])
            self._expect(-n)
        for joined in early:
            self.joined(*joined)
        self._changed()
        self._news.set()
        if isinstance(self._launcher, Watchful):
            self._waits.append(asyncio.ensure_future(self._hear_of_end(started, self._launcher)))
        if self._watch is None:
            self._watch = loop.create_task(self._keep_watching())
        return await self._all_ready(started)

    async def _launch(self, command: Command, n: int, name: str) -> Handle:
        """Start `command`, and note that step; of a failure, unless the launcher has noted more exactly what it was."""
        began, words = time.time(), f"{n} by {self._plan.launcher_names[1]}"
        self._steps.note(steps.SUBMITTED, words=words, who=self._who(name), n=n)
        try:
            return await self._launcher.start(command)
        except LaunchError as error:
            if all(step.ok or step.at < began for step in steps.read_steps(self._steps.path)):
                self._steps.note(steps.SUBMITTED, ok=False, words=str(error), who=self._who(name))
            raise

    async def stop(self, name: str = "") -> None:
        leaving = self._named(name)
        for each in leaving:
            each.leaving = True
            self._dismiss(ready_ids(self.engines.in_set(each.name)))
        await asyncio.gather(*(self._launcher.stop(each.handle) for each in leaving))
        for each in leaving:
            self._forget(each)

    async def restart(self, name: str = "") -> str:
        restarted = self._named(name)
        missing = sum(each.n for each in restarted)
        self._returning |= {each.name for each in restarted}
        self._expect(missing)
        try:
            await self.stop(name)
            words = [await self._start(each.n, each.name) for each in restarted]
        finally:
            self._returning -= {each.name for each in restarted}
            self._expect(-missing)
        return "; ".join(filter(None, words))

    async def signal(self, signum: int, name: str = "") -> None:
        problems = await asyncio.gather(*(self._signal(each, signum) for each in self._named(name)))
        if any(problems):
            raise LaunchError("; ".join(filter(None, problems)))

    async def _signal(self, meant: _Set, signum: int) -> str:
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
            self._report(Notice(words))

    def joined(self, instance: Instance, engine_id: int, launch: str) -> None:
        told = parse_launch(launch)
        if told is not None and told.set in self._early:
            self._early[told.set].append((instance, engine_id, launch))
            return
        started = None if told is None else self._sets.get(told.set)
        if started is None or self.engines.of(instance) is not None:
            return
        engine = self.engines.add(started.name, wants_key_as_id=False)
        engine.instance, engine.engine_id, engine.ready = instance, engine_id, True
        started.arrived += 1
        self._report(Progress(len(self.engines), sum(each.n for each in self._sets.values())))
        self._changed()

    def left(self, instance: Instance, cause: str) -> None:
        for early in self._early.values():
            early[:] = [joined for joined in early if joined[0] != instance]
        engine = self.engines.of(instance)
        if engine is None:
            return
        self.engines.drop(engine)
        started = self._sets.get(engine.set)
        if started is not None and not started.leaving:
            log.warning("engine died", extra={"engine": engine.label, "cause": cause})
            self._steps.note(steps.ENDED, ok=False, words=cause, who=f"engine {engine.label}")
            self._report(EngineDied(engine.label, cause, started.log_file))
        self._changed()

    def coming(self) -> Coming:
        if self._closing:
            return Coming()
        waited_for = [each for each in self._sets.values() if not (each.leaving or each.given_up)]
        there = [each for each in waited_for if each.status.state is not State.ENDED]
        return Coming(self._to_launch + sum(map(self._may_come, there)))

    def _expect(self, n: int) -> None:
        self._to_launch += n
        self._changed()

    def handles(self) -> dict[str, Any]:
        return {name: each.handle for name, each in self._sets.items()}

    def look(self) -> None:
        """Ask the launcher now how everything is: something has ended."""
        self._news.set()

    def close(self) -> None:
        for task in (self._watch, *self._waits):
            if task is not None:
                task.cancel()
        self._closing = True
        if self._sets:
            self._in_background(self.stop())
        if self._early:  # asked for by somebody a moment ago: it stops by itself what it has started
            self._in_background(self._pulse.until(lambda: not self._early))

    async def ended(self) -> None:
        await asyncio.gather(*self._endings)

    def kill(self) -> None:
        """Do nothing: a launcher's `stop` is as hard as it can be."""

    def _named(self, name: str) -> list[_Set]:
        found = [each for each in self._sets.values() if not name or each.name == name]
        if name and not found:
            raise NoSuchSet.named(name, self._sets)
        return found

    def _forget(self, leaving: _Set) -> None:
        self._sets.pop(leaving.name, None)
        for engine in self.engines.in_set(leaving.name):
            self.engines.drop(engine)
        self._changed()

    async def _keep_watching(self) -> None:
        while True:
            await self._pulse.until(lambda: bool(self._sets))
            for each in tuple(self._sets.values()):
                await self._look_at(each)
            now = asyncio.get_running_loop().time()
            young = any(now - each.began < _LATER for each in self._sets.values())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _SOON if young else _LATER)
            self._news.clear()

    async def _look_at(self, started: _Set) -> None:
        try:
            status = await self._launcher.poll(started.handle)
        except LaunchError as error:
            if str(error) != started.problem:
                started.problem = str(error)
                log.warning("its status cannot be queried: %s", error)
                if started.waited_for:
                    self._report(Notice(f"waiting: {error}"))
            return
        started.problem = ""
        self._hear(started, status)

    async def _hear_of_end(self, started: _Set, launcher: Watchful) -> None:
        self._hear(started, await launcher.ended(started.handle))

    def _hear(self, started: _Set, status: Status) -> None:
        if started.leaving or self._sets.get(started.name) is not started:
            return
        before = started.status
        self._note(started, status)
        said_anew = status.words and (status.state, status.words) != (before.state, before.words)
        if status.state is State.WAITING and said_anew:
            self._steps.note(steps.QUEUED, words=status.words, who=self._who(started.name))
            self._report(Notice(f"waiting: {status.words}"))
        elif status.state is State.RUNNING and said_anew and self._is_news(started):
            self._report(Notice(status.words))  # of a part of it
        if status.state is State.ENDED and before.state is not State.ENDED:
            self._set_ended(started, status)

    def _is_news(self, started: _Set) -> bool:
        """Whether nobody else has said how a part of it ended."""
        return started.waited_for or not isinstance(self._launcher, Telling)

    def _note(self, started: _Set, status: Status) -> None:
        started.status = status
        if status.state is State.WAITING:  # if only a part of it
            started.running_since = None
        elif started.running_since is None:
            started.running_since = asyncio.get_running_loop().time()
        self._pulse.beat()

    def _set_ended(self, ended: _Set, status: Status) -> None:
        self._steps.note(steps.ENDED, ok=False, words=status.words, who=self._who(ended.name))
        log.warning("a set of engines has ended", extra={"set": ended.name, "how": status.words})
        if ended.arrived >= ended.n or ended.given_up:
            self._waits.append(asyncio.ensure_future(self._take_leave(ended)))

    async def _take_leave(self, ended: _Set) -> None:
        """Forget a set once the controller has said of all its engines, the first to die first, that they have left."""

        def gone() -> bool:
            return not self.engines.in_set(ended.name)

        how = ended.status.words
        if not await self._pulse.until(gone, _NOTICED):
            for engine in self.engines.in_set(ended.name):
                self._on_exit(engine.instance, how.partition("\n")[0].removesuffix("; it said:"))
            await self._pulse.until(gone, _FAREWELL)
        if self._sets.get(ended.name) is ended:
            self._report(Notice(f"engine set {ended.name} has ended: {how}"))
            self._forget(ended)

    async def _all_ready(self, started: _Set) -> str:
        """Wait until all of a set have registered or can't any more; return, in words, what is wrong with some."""
        await self._settled(started)
        missing = started.n - started.arrived
        if missing <= 0 or started.leaving:
            if not started.leaving:
                self._steps.note(steps.REGISTERED, words=f"all {started.n} engines", who=self._who(started.name))
            return ""
        started.given_up = True
        words, ended = self._words_about_missing(started), started.status.state is State.ENDED
        self._steps.note(steps.REGISTERED, ok=False, words=words, who=self._who(started.name))
        if ended:
            self._forget(started)
        if not started.arrived:
            raise LaunchError(words)
        return words

    async def _settled(self, started: _Set) -> None:
        """Wait until no more engines of a set will come, or they are late."""

        def settled() -> bool:
            return not self._may_come(started) or started.status.state is State.ENDED or started.leaving

        timeout, loop = self._plan.engine_timeout, asyncio.get_running_loop()
        while not settled():
            # Only what runs is late; what waits in a queue is not.
            known = started.running_since
            left = None if known is None else known + timeout - loop.time()
            if left is not None and left <= 0:
                return
            await self._pulse.until(lambda known=known: settled() or started.running_since != known, left)  # type: ignore[misc]
            if settled() and started.waited_for and started.status.state is not State.ENDED:
                # What has just ended may be an engine that was here, and has not been said to have left.
                await self._pulse.until(lambda: not settled() or not started.waited_for, _NOTICED)

    def _may_come(self, started: _Set) -> int:
        present = len(self.engines.in_set(started.name))
        return may_come(started.n, arrived=started.arrived, present=present, ended=started.status.ended)

    def _who(self, name: str) -> str:
        return steps.of_engines(name, alone=self._plan.controller is None)

    def _words_about_missing(self, started: _Set) -> str:
        words = f"{started.n - started.arrived} of {started.n} engines did not register"
        if started.status.state is State.ENDED or not self._may_come(started):
            words += f": {started.status.words or 'they have ended'}"
        else:
            words += f" within {self._plan.engine_timeout:g} s of their start"
        if not started.log_file:
            return words
        log_file = Path(started.log_file)
        said = last_line(log_file)
        end = f", which ends with: {said}" if said not in words else ""
        a_file_each = not log_file.exists() and any(log_file.parent.glob(f"{log_file.name}.*"))
        place = f"{log_file}{'.*' if a_file_each else ''}"
        return f"{words}{'; ' if len(words.splitlines()) == 1 else os.linesep}their output: {place}{end}"

    def _in_background(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._endings.append(task)

    def _changed(self) -> None:
        self._pulse.beat()
        self._on_change()


def may_come(n: int, *, arrived: int, present: int, ended: int) -> int:
    """Return how many of `n` engines can still register.

    `arrived`: have ever registered, `present`: and have not left; `ended`: of how many the process has ended, whether
    it had registered or not.
    """
    return max(0, min(n - arrived, n - ended - present))
