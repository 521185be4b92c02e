"""An honest client and an honest engine, real processes, beside whoever lies: they keep results and pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from engineroom import Client, Cluster
from engineroom.protocol.connection_files import ConnectionFile, read_connection_file
from engineroom.protocol.identities import new_secret
from tests.fuzz.liar import Liar
from tests.patience import SECONDS, comes_true, turns

FACTOR = 5.0
"""How much slower a call may be, at the 99th percentile, while somebody lies."""

FLOOR = 2.0
"""Seconds that are never too slow for that: a machine that runs tests may stand still."""

GROWTH = 300 * 1024 * 1024
"""Bytes that the controller may grow by in all."""

_AFTER = 20
"""Calls that are made after the last lie."""


@dataclass
class Honest:
    """A cluster of one engine, and a client of it."""

    cluster: Cluster
    rc: Client
    files: dict[str, ConnectionFile]
    controller: psutil.Process
    engine: int
    log: Path
    usual: float = 0.0
    size: int = 0
    read: int = 0
    made: int = 0

    @classmethod
    def begin(cls, cluster: Cluster, rc: Client) -> Honest:
        """Return the two, once they have shown their usual pace."""
        client = Path(cluster.client_connection_file)
        engine = client.with_name(client.name.replace("client", "engine"))
        files = {"client": read_connection_file(client)}
        files["engine"] = files["host"] = read_connection_file(engine)
        assert files["client"].controller is not None
        process = psutil.Process(files["client"].controller.pid)
        logs = sorted((client.parents[1] / "log").glob("ipcontroller*.log"))
        honest = cls(cluster, rc, files, process, rc[0].apply_sync(_pid), logs[0])
        honest.usual = percentile(honest.calls(300))
        honest.size = process.memory_info().rss
        return honest

    def calls(self, count: int) -> list[float]:
        """Make calls, one after the other, each with the right result; return how long each took."""
        took = []
        for number in range(count):
            begun = time.perf_counter()
            assert self.rc[0].apply_sync(_twice, number) == 2 * number
            took.append(time.perf_counter() - begun)
            self.made += 1
        return took

    def beside(self, lies: Callable[[Stage], Awaitable[None]]) -> None:
        """Make calls while `lies` are told; then see that nothing has changed."""
        took: list[float] = []
        with ThreadPoolExecutor(1, thread_name_prefix="liar") as liars:
            lying = liars.submit(asyncio.run, _told(Stage(self.files, self), lies))
            while not lying.done():
                took += self.calls(1)
            took += self.calls(_AFTER)
            lying.result()
        self.is_unharmed(took)

    def is_unharmed(self, took: list[float]) -> None:
        """Assert that all is as it was."""
        assert self.controller.is_running()
        assert self.controller.status() != psutil.STATUS_ZOMBIE
        assert self.rc[0].apply_sync(_pid) == self.engine
        view = self.rc.load_balanced_view(targets=0)
        assert view.map_sync(_twice, range(10)) == [2 * number for number in range(10)]
        self.rc[0]["honest"] = b"x" * 100_000
        assert self.rc[0]["honest"] == b"x" * 100_000
        news = self._news()
        assert "Traceback" not in news, news
        assert "a mistake in the controller" not in news, news
        slow = percentile(took)
        assert slow <= max(FACTOR * self.usual, FLOOR), f"p99 {slow:.3f} s, before {self.usual:.4f} s"
        assert self.controller.memory_info().rss - self.size < GROWTH

    def _news(self) -> str:
        """Return what the controller's log has got since the last time."""
        with self.log.open() as log:
            log.seek(self.read)
            news = log.read()
            self.read = log.tell()
        return news


@dataclass
class Stage:
    """Where liars appear. `honest_tasks`: what a task of the honest client may be called."""

    files: dict[str, ConnectionFile]
    honest: Honest
    liars: list[Liar] = field(default_factory=list)

    async def join(self, role: str, **told: Any) -> Liar:
        """Return a liar of this role, which is in."""
        liar = await Liar.join(self.files[role], role, **told)
        self.liars.append(liar)
        return liar

    async def goes_on(self, calls: int = 3) -> None:
        """Return once the honest client has made so many more calls: what was said to the controller, it has heard."""
        wanted = self.honest.made + calls
        await comes_true(lambda: self.honest.made >= wanted)

    @property
    def session(self) -> bytes:
        """The session of the honest client."""
        return self.honest.rc._session.id

    @property
    def instance(self) -> bytes:
        """The instance of the honest engine."""
        return bytes(self.honest.rc._session.engines.instance(0) or b"")

    @property
    def stranger(self) -> bytes:
        """A name of nobody."""
        return new_secret()[:16]


async def _told(stage: Stage, lies: Callable[[Stage], Awaitable[None]]) -> None:
    async with asyncio.timeout(SECONDS):
        try:
            await lies(stage)
        finally:
            for liar in stage.liars:
                await liar.leaves()
            await turns()


def percentile(took: list[float], part: float = 0.99) -> float:
    """Return how long the slowest took but for a hundredth."""
    return sorted(took)[min(len(took) - 1, int(part * len(took)))]


def _pid() -> int:
    import os

    return os.getpid()


def _twice(number: int) -> int:
    return 2 * number
