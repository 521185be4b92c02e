"""The engines of a host, started by its spawner: in sets, watched, restarted, stopped. `life/forked.py` decides."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, assert_never

import msgspec

from engineroom.cluster.line.errors import NoSuchSet
from engineroom.cluster.line.messages import EngineDied, Notice, Progress
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.sets.engine_sets import EnginesHost
from engineroom.cluster.sets.hosted import HostedEngine, Life, ready_ids
from engineroom.cluster.sets.lasting_spawner import LastingSpawner
from engineroom.cluster.sets.life import actions, events
from engineroom.cluster.sets.life.forked import ForkedLife
from engineroom.cluster.sets.remarks import about_engines, all_engines
from engineroom.errors import LaunchError
from engineroom.ids import Instance, TaskId
from engineroom.machine.logs import last_line, rotate
from engineroom.machine.surroundings import cores, thread_limits
from engineroom.machine.ticking import Ticking
from engineroom.protocol.identities import identity_of, new_secret
from engineroom.protocol.messages import Coming, EngineExited
from engineroom.protocol.texts import brief
from engineroom.trail import steps
from engineroom.trail.steps import Steps

log = logging.getLogger(__name__)

_Request = events.StartEngines | events.StopEngines | events.RestartEngines
_Engines = Sequence[HostedEngine]

_STOP_SECONDS = 4.0
"""The spawner kills what does not end by itself; this much later, something is wrong with the spawner."""

_SOONER = 0.5
"""Seconds by which an engine ends itself before it would be killed."""


class ForkedEngines:
    """Starts and watches the engines of `host`, as its `plan` says.

    `numbered_elsewhere`: the host that owns this one gives them their numbers, and has the controller: the numbers are
    ids, and no other host of the cluster uses them.
    """

    def __init__(
        self, plan: HostPlan, host: EnginesHost, spawner: LastingSpawner, *, numbered_elsewhere: bool = False
    ) -> None:
        self._plan, self._host, self._numbered_elsewhere = plan, host, numbered_elsewhere
        self._spawner, self._attached = spawner, False
        self._life = ForkedLife(
            draw=_new_identity,
            own_controller=plan.controller is not None,
            restarts=plan.restart_engines,
            delay=plan.delay,
            late=plan.engine_timeout,
            stop=plan.grace + _STOP_SECONDS,
            place="" if plan.controller is not None else f" on {socket.gethostname()}",
        )
        self.engines = self._life.engines
        self._ticking = Ticking(self._life.wake, lambda: self._feed(events.Tick()))
        self._restarting: set[asyncio.Task[None]] = set()
        self._requests = count(1)
        self._answers: dict[int, tuple[str, asyncio.Future[str]]] = {}
        self._steps = Steps(plan.profile.steps_file(plan.cluster_id), "engines")
        self._common: dict[str, Any] = msgspec.to_builtins(plan.engine)
        self._common["host"] = msgspec.to_builtins(bytes(host.instance))
        self._common["grace"] = max(0.0, plan.grace - _SOONER)

    async def start(self, n: int, name: str = "") -> tuple[str, str]:
        if not self._attached:
            self._attached = True
            await self._spawner.attach(
                self.hear,
                on_death=self._spawner_died,
                on_back=self._spawner_back,
                on_failure=self._spawner_failed,
            )
        name = self.engines.new_set(name)
        limits = thread_limits(len(self.engines) + n, cores=cores(), environment=os.environ)
        self._common["environment"] = {**limits, **self._plan.engine.environment, **self._plan.engine_environment}
        self._steps.note(steps.SUBMITTED, words=f"{n} on this machine", who=self._who(name), n=n)
        started = [self._add(name) for _ in range(n)]
        return name, await self._ask(name, events.StartEngines, started)

    async def stop(self, name: str = "") -> None:
        meant = self._named(name, ended=True)
        self.engines.forget_retired(name)
        await self._ask(name, events.StopEngines, [engine for engine in meant if engine.life is not Life.OVER])

    async def restart(self, name: str = "") -> str:
        return await self._ask(name, events.RestartEngines, self._named(name, ended=True))

    async def signal(self, signum: int, name: str = "") -> None:
        meant = self._named(name)
        # A task that was submitted before may still be on its way: this interrupt must not overtake it.
        relayed = signum == signal.SIGINT and self._host.relay_signal(ready_ids(meant), signum)
        for engine in meant:
            if not (relayed and engine.ready):
                self._command(signal=engine.key, signum=signum)

    def signal_instance(self, instance: Instance, signum: int) -> None:
        engine = self.engines.of(instance)
        if engine is not None:
            self._command(signal=engine.key, signum=signum)

    def restart_instances(self, instances: Sequence[Instance]) -> None:
        meant = [engine for each in instances if (engine := self.engines.last_known_as(each)) is not None]
        restarting = asyncio.ensure_future(self._restart_by_request(meant))
        self._restarting.add(restarting)
        restarting.add_done_callback(self._restarting.discard)

    async def _restart_by_request(self, meant: _Engines) -> None:
        try:
            words = await self._ask("", events.RestartEngines, meant)
        except LaunchError as error:
            words = str(error)
        if words:
            log.warning(words)
            self._host.report(Notice(words))

    def joined(self, instance: Instance, engine_id: int, launch: str) -> None:
        del launch  # we know each by its instance
        self._feed(events.Joined(instance, engine_id))

    def left(self, instance: Instance, cause: str) -> None:
        """Do nothing: the spawner says it as well, and better."""

    def coming(self) -> Coming:
        return self._life.coming()

    def handles(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        self._feed(events.Closed())
        self._spawner.let_go()

    async def ended(self) -> None:
        await self._spawner.ended()

    def kill(self) -> None:
        self._spawner.kill()

    def hear(self, line: bytes) -> None:
        """Take one report of the spawner."""
        report = json.loads(line)
        if "spawned" in report:
            self._feed(events.Forked(report["spawned"], report["pid"]))
        elif "exited" in report:
            key = report["exited"]
            self._feed(
                events.Exited(key, report["code"], _exit_in(report), self._last_line(key), report.get("asked", True))
            )
        elif "failed" in report:
            key = report["failed"]
            self._feed(events.NotForked(key, report["problem"], self._last_line(key)))
        else:
            log.error("the spawner says: %s", line.decode(errors="replace"))

    def _feed(self, event: events.ForkedEvent) -> None:
        now = asyncio.get_running_loop().time()
        for action in self._life.handle(event, now):
            self._perform(action)
        self._ticking.arm()

    def _perform(self, action: actions.ForkedAction) -> None:  # noqa: C901 (one match, which serves as a table)
        match action:
            case actions.Changed():
                self._host.engines_changed()
            case actions.Fork(engine):
                self._fork(engine)
            case actions.End(engine):
                self._command(stop=engine.key)
            case actions.SayExited(exited):
                self._host.engine_exited(exited)
            case actions.Died():
                self._died(action)
            case actions.BackAgain(engine):
                self._steps.note(steps.REGISTERED, words="again", who=f"engine {engine.engine_id}")
            case actions.Count(ready, n):
                self._host.report(Progress(ready, n))
            case actions.Remark(words):
                self._host.report(Notice(words))
            case actions.Gathered():
                self._gathered(action)
            case actions.Ended(request):
                self._answer(request, "")
            case _:
                assert_never(action)

    async def _ask(self, name: str, event: Callable[[int, tuple[int, ...]], _Request], meant: _Engines) -> str:
        """Have something done to engines of the set `name`, and return the answer."""
        request = next(self._requests)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answers[request] = name, answer
        self._feed(event(request, tuple(engine.key for engine in meant)))
        return await answer

    def _answer(self, request: int, words: str, *, failed: bool = False) -> None:
        _, answer = self._answers.pop(request)
        if answer.done():
            return  # whoever asked does not wait any more
        if failed:
            answer.set_exception(LaunchError(words))
        else:
            answer.set_result(words)

    def _named(self, name: str, *, ended: bool = False) -> list[HostedEngine]:
        """Return the engines of the set `name`, or all; `ended`: with those that their host has not stopped."""
        found = self.engines.in_set(name) + (self.engines.retired(name) if ended else [])
        if name and not found:
            raise NoSuchSet.named(name, self.engines.sets())
        return found

    def _add(self, name: str) -> HostedEngine:
        plan, own_controller = self._plan, self._plan.controller is not None
        engine = self.engines.add(name, wants_key_as_id=own_controller or self._numbered_elsewhere)
        parts = [str(engine.key)]
        if not own_controller:
            # Such hosts share the log directory with the cluster's own host, and with other machines.
            parts = [socket.gethostname(), *([] if self._numbered_elsewhere else [str(os.getpid())]), *parts]
        engine.log_file = str(plan.profile.log_file("ipengine", plan.cluster_id, "-".join(parts)))
        return engine

    def _who(self, name: str) -> str:
        return steps.of_engines(name, alone=self._plan.controller is None)

    def _who_one(self, engine: HostedEngine) -> str:
        """Return who it is: by its id, or before it has one by its number in its set."""
        if engine.engine_id is not None or self._plan.controller is not None:
            return f"engine {engine.label}"
        return f"engine {engine.key} of {self._who(engine.set)}"

    def _fork(self, engine: HostedEngine) -> None:
        rotate(Path(engine.log_file))
        config = {
            **self._common,
            "instance": engine.instance.hex(),
            "secret": engine.secret.hex(),
            "wanted_id": engine.wanted_id,
            "log_file": engine.log_file,
        }
        self._command(spawn=config, key=engine.key, grace=self._plan.grace)

    def _command(self, **words: Any) -> None:
        self._spawner.tell(words)

    def _spawner_died(self, words: str) -> None:
        log.warning("restarting the spawner: %s", words)
        self._steps.note(steps.ENDED, ok=False, words=words, who=steps.SPAWNER)
        engines = "its engines are restarted as well" if self._plan.restart_engines else "its engines are lost"
        self._host.report(Notice(f"{words}. It is restarted; {engines}"))
        self._feed(events.SpawnerDied(words))

    def _spawner_back(self) -> None:
        log.warning("the spawner is running again")
        self._steps.note(steps.REGISTERED, words="restarted", who=steps.SPAWNER)

    def _spawner_failed(self, words: str) -> None:
        if not self._life.closing:
            self._host.fail(words)

    def _last_line(self, key: int) -> str:
        """Return the last line in the log of an engine that never registered, "" if there is none."""
        engine = self.engines.get(key)
        return "" if engine is None or engine.ready or engine.leaving else last_line(engine.log_file)

    def _died(self, died: actions.Died) -> None:
        engine, cause = died.engine, died.cause
        log.warning("engine died", extra={"engine": engine.label, "cause": cause, "restarting": died.again})
        self._steps.note(steps.ENDED, ok=False, words=cause, who=self._who_one(engine))
        self._host.report(EngineDied(engine.label, cause, engine.log_file, died.registered, died.again, died.said))

    def _gathered(self, gathered: actions.Gathered) -> None:
        engines, missing, name = gathered.engines, gathered.missing, self._answers[gathered.request][0]
        if not missing:
            self._steps.note(steps.REGISTERED, words=all_engines(len(engines)), who=self._who(name))
        if not missing or gathered.closing:
            self._answer(gathered.request, "")
            return
        words = about_engines(missing, len(engines), timeout=self._plan.engine_timeout)
        self._steps.note(steps.REGISTERED, ok=False, words=words, who=self._who(name))
        self._answer(gathered.request, words, failed=sum(bool(each.failed) for each in missing) == len(engines))


def _new_identity() -> tuple[bytes, Instance]:
    secret = new_secret()
    return secret, Instance(identity_of(secret))


def _exit_in(report: dict[str, Any]) -> EngineExited:
    """Return what the spawner says of an engine that has ended, for the controller."""
    running = report.get("running")
    return EngineExited(
        Instance(bytes.fromhex(report["instance"])),
        brief(report["cause"], 1000),
        report.get("own", False),
        None if running is None else tuple((TaskId(bytes.fromhex(task)), attempt) for task, attempt in running),
        brief(report.get("words", "")),
    )
