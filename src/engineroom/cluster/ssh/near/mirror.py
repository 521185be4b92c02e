"""What is known here of engines on other machines: their states, as told, and copies of their logs."""

from __future__ import annotations

import logging
from pathlib import Path

from engineroom.cluster.line.messages import EngineDied, Notice, Progress, Stopped
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.sets.engine_sets import EnginesHost
from engineroom.cluster.sets.hosted import HostedEngine, HostedEngines, Life
from engineroom.cluster.ssh.messages import Engines, EngineState, LogText, RemoteReport, StepTaken
from engineroom.cluster.ssh.near.logs import LogCopy
from engineroom.ids import Instance
from engineroom.protocol.messages import EngineExited

log = logging.getLogger(__name__)


class Mirror:
    """The engines of `host` on all machines, by numbers that are the same here and there."""

    def __init__(self, plan: HostPlan, host: EnginesHost) -> None:
        self.engines = HostedEngines()
        self._plan, self._host = plan, host
        self._machines: dict[int, str] = {}
        self._seen: set[int] = set()
        self._ready = 0

    def add(self, n: int, *, set_name: str, machine: str) -> list[HostedEngine]:
        """Return `n` new engines, which are to start on `machine`."""
        own = self._plan.controller is not None
        added = [self.engines.add(set_name, wants_key_as_id=own) for _ in range(n)]
        for engine in added:
            engine.log_file = str(self._log_file(engine.key))
            self._machines[engine.key] = machine
        return added

    def machine_of(self, engine: HostedEngine) -> str:
        return self._machines[engine.key]

    def of_machine(self, name: str) -> list[HostedEngine]:
        return [engine for engine in self.engines if self._machines[engine.key] == name]

    def drop(self, engines: list[HostedEngine]) -> None:
        """Forget engines that have ended."""
        for engine in engines:
            self.engines.drop(engine)
            self._machines.pop(engine.key, None)
        self._host.engines_changed()

    def hear(self, machine: str, report: RemoteReport) -> None:
        """Take what a machine says."""
        match report:
            case Engines(states=states):
                self._take(machine, states)
            case LogText(key=key):
                self._copy(key, report)
            case EngineDied(engine=label):
                self._died(machine, label, report)
            case StepTaken(ok=False, words=words):
                self._host.report(Notice(f"{machine}: {words}"))
            case Notice(words=words):
                self._host.report(Notice(f"{machine}: {words}"))
            case Stopped():
                for engine in self.of_machine(machine):
                    engine.life = Life.STOPPING  # its controller said so, and tells us as well
            case _:
                pass  # the machine's own end is seen by its connection

    def lose(self, machine: str, words: str, *, certain: bool) -> None:
        """All engines of a machine are gone. `certain`: they have ended, and not only we know nothing of them."""
        lost = self.of_machine(machine)
        log.warning("a machine is lost", extra={"machine": machine, "why": words, "engines": len(lost)})
        for engine in lost:
            if engine.key not in self._seen:
                continue  # who asked for it is told
            if not engine.leaving:
                self._host.report(EngineDied(engine.label, f"{machine}: {words}", engine.log_file, engine.ready))
            if certain:
                self._host.engine_exited(EngineExited(engine.instance, f"{machine}: {words}"))  # nobody else can say it
        self.drop(lost)

    def _take(self, machine: str, states: list[EngineState]) -> None:
        told = {state.key: state for state in states}
        for engine in self.of_machine(machine):
            state = told.get(engine.key)
            if state is not None:
                self._seen.add(engine.key)
                self.engines.identify(engine, Instance(state.instance))
                engine.pid, engine.engine_id, engine.ready = state.pid, state.engine_id, state.ready
            elif engine.key in self._seen:
                if not engine.failed and not engine.leaving:
                    self._host.report(Notice(f"engine {engine.label} was shut down"))
                self.engines.drop(engine)
        every = list(self.engines)
        ready = sum(engine.ready for engine in every)
        if ready != self._ready:
            self._ready = ready
            self._host.report(Progress(ready, len(every)))
        self._host.engines_changed()

    def _log_file(self, key: int) -> Path:
        return self._plan.profile.log_file("ipengine", self._plan.cluster_id, str(key))

    def _copy(self, key: int, said: LogText) -> None:
        path = self._log_file(key)
        try:
            LogCopy(path).take(said)
        except OSError as error:
            log.warning("the log of an engine can't be kept", extra={"engine": key, "error": error})

    def _died(self, machine: str, label: int, report: EngineDied) -> None:
        engine = next((each for each in self.of_machine(machine) if each.label == label), None)
        log_file = report.log_file if engine is None else engine.log_file
        if engine is not None and not report.restarting:
            engine.failed = report.cause
        log.warning("engine died", extra={"engine": label, "machine": machine, "cause": report.cause})
        cause = f"{report.cause}, on {machine}"
        self._host.report(EngineDied(label, cause, log_file, report.registered, report.restarting, report.words))
