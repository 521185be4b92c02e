"""A host that does nothing but keep what its engines tell it, and a spawner that starts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engineroom.cluster.line.messages import Report
from engineroom.ids import new_instance
from engineroom.machine.pulse import Pulse
from engineroom.protocol.messages import EngineExited


class PretendedHost:
    """An `EnginesHost`. `pulse` beats whenever it is told something."""

    def __init__(self) -> None:
        self.instance = new_instance()
        self.reports: list[Report] = []
        self.exits: list[EngineExited] = []
        self.dismissed: list[Sequence[int]] = []
        self.failures: list[str] = []
        self.pulse = Pulse()

    def report(self, report: Report) -> None:
        self.reports.append(report)
        self.pulse.beat()

    def engines_changed(self) -> None:
        self.pulse.beat()

    def engine_exited(self, exited: EngineExited) -> None:
        self.exits.append(exited)
        self.pulse.beat()

    def process_exited(self, pid: int, cause: str, *, own: bool) -> None:
        del pid, cause, own
        self.pulse.beat()

    def dismiss_engines(self, engine_ids: Sequence[int]) -> None:
        self.dismissed.append(engine_ids)

    def relay_signal(self, engine_ids: Sequence[int], signum: int) -> bool:
        """There is no controller."""
        del engine_ids, signum
        return False

    def fail(self, reason: str) -> None:
        self.failures.append(reason)
        self.pulse.beat()

    def said(self, kind: type[Report]) -> list[Report]:
        return [report for report in self.reports if isinstance(report, kind)]


class Spawner:
    """Starts nothing."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.pulse = Pulse()

    def tell(self, words: dict[str, Any]) -> None:
        self.told.append(words)
        self.pulse.beat()

    async def attach(self, *_: Any, **__: Any) -> None:
        """Attach nothing."""

    def let_go(self) -> None:
        """Let go of nothing."""
