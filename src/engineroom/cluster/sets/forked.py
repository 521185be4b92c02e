"""The engines of a host, started by its spawner: in sets, watched, restarted, stopped."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from engineroom.cluster.line.children import Child
from engineroom.cluster.line.errors import NoSuchSet
from engineroom.cluster.line.messages import EngineDied, Notice, Progress, Report, quoted
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.sets.hosted import HostedEngine, HostedEngines, ready_ids
from engineroom.errors import LaunchError
from engineroom.ids import Instance, TaskId
from engineroom.machine.left_behind import end_marked, mark_of
from engineroom.machine.logs import last_line, rotate
from engineroom.machine.pulse import Pulse
from engineroom.machine.surroundings import cores, thread_limits
from engineroom.protocol.messages import Coming, EngineExited
from engineroom.protocol.texts import brief
from engineroom.trail import steps
from engineroom.trail.steps import Steps

log = logging.getLogger(__name__)

_STOP_SECONDS = 4.0
"""The spawner kills what does not end by itself; this much later, something is wrong with the spawner."""

_SOONER = 0.5
"""Seconds by which an engine ends itself before it would be killed."""


class EngineHouse:
    """Starts and watches engines. `on_exit(exited)` is called for each engine that ended, at once; `on_change`
    when something that the cluster file says has changed; `on_failure(words)` when the spawner has ended."""

    def __init__(
        self,
        plan: HostPlan,
        instance: Instance,
        spawner: Child,
        *,
        report: Callable[[Report], None],
        on_exit: Callable[[EngineExited], None],
        on_change: Callable[[], None],
        on_failure: Callable[[str], None],
        relay: Callable[[Sequence[int], int], bool] = lambda *_: False,
    ) -> None:
        """`relay(engine_ids, signum)`: has the controller send a signal in order with what engines are sent; False: it
        is not there."""
        self.engines = HostedEngines()
        self.pulse = Pulse()
        self._plan, self._instance = plan, instance
        self._report, self._on_exit, self._on_change = report, on_exit, on_change
        self._on_failure, self._relay = on_failure, relay
        self._spawner, self._attached = spawner, False
        self._closing = False
        self._steps = Steps(plan.profile.steps_file(plan.cluster_id), "engines")
        self._died: set[int] = set()
        self._common: dict[str, Any] = msgspec.to_builtins(plan.engine)
        self._common["host"] = msgspec.to_builtins(bytes(instance))
        self._common["grace"] = max(0.0, plan.grace - _SOONER)
        self._stop_seconds = plan.grace + _STOP_SECONDS

    async def start(self, n: int, name: str = "") -> tuple[str, str]:
        if not self._attached:
            self._attached = True
            await self._spawner.attach(self.hear, self._spawner_ended)
        name = self.engines.new_set(name)
        limits = thread_limits(len(self.engines) + n, cores=cores(), environment=os.environ)
        self._common["environment"] = {**limits, **self._plan.engine.environment, **self._plan.engine_environment}
        self._steps.note(steps.SUBMITTED, words=f"{n} on this machine", who=self._who(name), n=n)
        started = [self._add(name) for _ in range(n)]
        self._changed()
        for number, engine in enumerate(started):
            if number and self._plan.delay:
                await asyncio.sleep(self._plan.delay)
            self._spawn(engine)
        return name, await self._all_ready(started, name)

    async def stop(self, name: str = "") -> None:
        leaving = self.engines.in_set(name)
        for engine in leaving:
            engine.leaving, engine.returning = True, False
            if engine.resting:
                self._lost(engine, "stopped by its host", by_itself=False)
            else:
                self._command(stop=engine.key)
        await self.pulse.until(lambda: not any(map(self._known, leaving)), self._stop_seconds)
        if name and not leaving:
            raise NoSuchSet.named(name, self.engines.sets())

    async def restart(self, name: str = "") -> str:
        restarted = self.engines.in_set(name)
        if name and not restarted:
            raise NoSuchSet.named(name, self.engines.sets())
        before = {engine.key: engine.instance for engine in restarted}
        for engine in restarted:
            engine.leaving = engine.returning = True
        self._changed()  # the controller is to know of it before the first one ends
        for engine in restarted:
            if engine.resting:
                self._return(engine)
            else:
                self._command(stop=engine.key)
        await self.pulse.until(
            lambda: all(engine.instance != before[engine.key] for engine in restarted), self._stop_seconds
        )
        return await self._all_ready(restarted, name)

    async def signal(self, signum: int, name: str = "") -> None:
        meant = self.engines.in_set(name)
        # A task that was submitted before may still be on its way: this interrupt must not overtake it.
        relayed = signum == signal.SIGINT and self._relay(ready_ids(meant), signum)
        for engine in meant:
            if not (relayed and engine.ready):
                self._command(signal=engine.key, signum=signum)
        if name and not meant:
            raise NoSuchSet.named(name, self.engines.sets())

    def signal_instance(self, instance: Instance, signum: int) -> None:
        engine = self.engines.of(instance)
        if engine is not None:
            self._command(signal=engine.key, signum=signum)

    def joined(self, instance: Instance, engine_id: int, launch: str) -> None:
        del launch  # we know each by its instance
        engine = self.engines.of(instance)
        if engine is None or engine.ready:
            return
        engine.engine_id, engine.ready = engine_id, True
        if engine.key in self._died:
            self._steps.note(steps.REGISTERED, words="again", who=f"engine {engine_id}")
        self._tell_progress()
        self._changed()

    def left(self, instance: Instance, cause: str) -> None:
        """Hear what the spawner says as well, and better."""

    def coming(self) -> Coming:
        return Coming() if self._closing else self.engines.coming(restarts=self._plan.restart_engines)

    def handles(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        self._closing = True
        self._spawner.let_go()

    async def ended(self) -> None:
        await self._spawner.ended()
        if self._spawner.process.returncode:  # it was killed, and can't have ended what tasks left
            await asyncio.to_thread(end_marked, mark_of(self._instance))

    def kill(self) -> None:
        if self._spawner.running:
            self._spawner.process.kill()

    def hear(self, line: bytes) -> None:
        """Take one report of the spawner."""
        report = json.loads(line)
        if "spawned" in report:
            engine = self.engines.get(report["spawned"])
            if engine is not None:
                engine.pid = report["pid"]
        elif "exited" in report:
            self._exited(report["exited"], report["code"], _exit_in(report))
        elif "failed" in report:
            engine = self.engines.get(report["failed"])
            if engine is not None:
                self._lost(engine, report["problem"], by_itself=True)
        else:
            log.error("the spawner says: %s", line.decode(errors="replace"))

    def _add(self, name: str) -> HostedEngine:
        plan = self._plan
        engine = self.engines.add(name, wants_key_as_id=plan.controller is not None)
        # Hosts that only have engines share the log directory with the cluster's own host, and with other machines.
        place = "" if plan.controller is not None else f"{socket.gethostname()}-{os.getpid()}-"
        engine.log_file = plan.profile.log_file("ipengine", plan.cluster_id, f"{place}{engine.key}")
        return engine

    def _who(self, name: str) -> str:
        return steps.of_engines(name, alone=self._plan.controller is None)

    def _who_one(self, engine: HostedEngine) -> str:
        """Return who it is: by its id, or before it has one by its number in its set."""
        if engine.engine_id is not None or self._plan.controller is not None:
            return f"engine {engine.label}"
        return f"engine {engine.key} of {self._who(engine.set)}"

    def _spawn(self, engine: HostedEngine) -> None:
        engine.begin_life(asyncio.get_running_loop().time())
        rotate(engine.log_file)
        config = {
            **self._common,
            "instance": engine.instance.hex(),
            "secret": engine.secret.hex(),
            "wanted_id": engine.wanted_id,
            "log_file": str(engine.log_file),
        }
        self._command(spawn=config, key=engine.key, grace=self._plan.grace)

    def _command(self, **words: Any) -> None:
        self._spawner.tell(words)

    def _spawner_ended(self, spawner: Child) -> None:
        if not self._closing:
            self._on_failure(f"the spawner (pid {spawner.process.pid}) ended: {spawner.end()}")

    def _exited(self, key: int, code: int, exited: EngineExited) -> None:
        engine, said = self.engines.get(key), exited.words
        if engine is not None and engine.leaving:
            exited = msgspec.structs.replace(exited, cause="stopped by its host", own=False, words="")
        elif engine is not None:
            exited = msgspec.structs.replace(exited, words=self._last_words(engine, said))
        if engine is not None and engine.instance == exited.instance and not self._closing:
            # First, so that the controller knows whether it comes back when it hears of its end.
            self._life_ended(engine, code, exited.cause, said)
        self._on_exit(exited)

    def _last_words(self, engine: HostedEngine, said: str) -> str:
        """Return what an engine wrote last, and where its log is, as lines for people."""
        place = "" if self._plan.controller is not None else f" on {socket.gethostname()}"
        log_file = f"Its log: {engine.log_file}{place}"
        return f"{quoted(said)}\n{log_file}" if said else log_file

    def _life_ended(self, engine: HostedEngine, code: int, cause: str, said: str) -> None:
        if engine.returning:
            self._spawn(engine)
            self._changed()
        else:
            # Of another's controller we may hear too late, or never, that it had let the engine in.
            let_in = engine.ready or self._plan.controller is None
            by_itself = not engine.leaving and (code != 0 or not let_in)
            self._lost(engine, cause, by_itself=by_itself, said=said)

    def _lost(self, engine: HostedEngine, cause: str, *, by_itself: bool, said: str = "") -> None:
        again = by_itself and engine.ready and self._plan.restart_engines and not self._closing
        if by_itself:
            log.warning("engine died", extra={"engine": engine.label, "cause": cause, "restarting": again})
            self._died.add(engine.key)
            if not engine.ready and (line := last_line(engine.log_file)):
                cause = f"{cause}; the last line of its log: {line}"
            self._steps.note(steps.ENDED, ok=False, words=cause, who=self._who_one(engine))
            self._report(EngineDied(engine.label, cause, str(engine.log_file), engine.ready, again, said))
        elif not engine.leaving:
            self._report(Notice(f"engine {engine.label} was shut down"))
        engine.ready = False
        if again:
            engine.resting = True
            loop = asyncio.get_running_loop()
            loop.call_later(engine.pause_before_return(loop.time()), self._return, engine)
        else:
            engine.failed, engine.shut_down = cause, not by_itself
            self.engines.drop(engine)
        self._changed()

    def _return(self, engine: HostedEngine) -> None:
        if engine.resting and self._known(engine) and not self._closing:
            self._spawn(engine)

    def _known(self, engine: HostedEngine) -> bool:
        return self.engines.get(engine.key) is engine

    async def _all_ready(self, engines: list[HostedEngine], name: str) -> str:
        """Wait until each of `engines` has registered or ended; return, in words, what is wrong with those others."""
        timeout = self._plan.engine_timeout
        await self.pulse.until(lambda: self._closing or all(each.ready or each.failed for each in engines), timeout)
        missing = [engine for engine in engines if not engine.ready and not engine.shut_down]
        if not missing or self._closing:
            if not missing:
                self._steps.note(steps.REGISTERED, words=f"all {len(engines)} engines", who=self._who(name))
            return ""
        dead = [engine for engine in missing if engine.failed]
        words = f"{len(missing)} of {len(engines)} engines did not register"
        if dead:
            words += f": engine {dead[0].label} ended, {dead[0].failed}; its log is {dead[0].log_file}"
        else:
            said, log_file = last_line(missing[0].log_file), missing[0].log_file
            words += (
                f" within {timeout:g} s; the log of one, {log_file}, {f'ends with: {said}' if said else 'is empty'}"
            )
        self._steps.note(steps.REGISTERED, ok=False, words=words, who=self._who(name))
        if len(dead) == len(engines):
            raise LaunchError(words)
        return words

    def _tell_progress(self) -> None:
        every = list(self.engines)
        self._report(Progress(sum(engine.ready for engine in every), len(every)))

    def _changed(self) -> None:
        self.pulse.beat()
        self._on_change()


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
