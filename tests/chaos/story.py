"""One run: tasks are submitted and delivered while things go wrong; what must hold is looked at in the end."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from engineroom import AsyncResult, Client
from engineroom.protocol.connection_files import read_connection_file
from tests.chaos.faults import CUT, FREEZE, KILL, STOP, Fault
from tests.chaos.records import AT_ONCE, again, runs, work, wrong
from tests.chaos.victim import Victim
from tests.conftest import wait_until
from tests.system.proxy import Proxy, through

PATIENCE = 120.0
"""Seconds that all results may take after the last fault, on a machine that is busy."""


@dataclass
class Told:
    """What came of a run."""

    seconds: float = 0.0
    again: int = 0
    wrong: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


class Deliveries:
    """When each task was delivered, and what."""

    def __init__(self) -> None:
        self.of: dict[int, list[tuple[float, object]]] = {}
        self._lock = threading.Lock()

    def note(self, task: int, result: AsyncResult) -> None:
        """Take a result that is there."""
        at = time.monotonic()
        error = result.exception()
        value = result.result() if error is None else error
        with self._lock:
            self.of.setdefault(task, []).append((at, value))

    def __len__(self) -> int:
        return len(self.of)


class World(Protocol):
    """Where things go wrong."""

    def send(self, whom: str, which: int, signum: int) -> int | None:
        """Send a signal to one of those who are `whom`; return to which process, None if there was none."""

    def part(self, fault: Fault) -> None:
        """Cut or freeze a connection..."""

    def join(self, fault: Fault) -> None:
        """... and heal it."""


class Here:
    """A cluster of this machine, and the cable of its client."""

    def __init__(self, victim: Victim, cable: Proxy) -> None:
        self._cable, self.send = cable, victim.send

    def part(self, fault: Fault) -> None:
        (self._cable.cut if fault.what == CUT else self._cable.freeze)()

    def join(self, fault: Fault) -> None:
        del fault
        self._cable.heal()


def happens(world: World, faults: Sequence[Fault], told: Told, over: threading.Event) -> None:
    """Have the faults happen, one after the other, until it is `over`; return when all that was held goes on."""
    goes_on: list[threading.Timer] = []
    for fault in faults:
        if over.wait(fault.after):
            break
        told.done.append(f"{fault}{_do(world, fault, goes_on)}")
    for timer in goes_on:
        timer.join()


def _do(world: World, fault: Fault, goes_on: list[threading.Timer]) -> str:
    if fault.what in {CUT, FREEZE}:
        world.part(fault)
        _later(goes_on, fault.lasts, partial(world.join, fault))
        return ""
    pid = world.send(fault.whom, fault.which, signal.SIGKILL if fault.what == KILL else signal.SIGSTOP)
    if pid is None:
        return " (there was none)"
    if fault.what == STOP:
        _later(goes_on, fault.lasts, partial(_continue, pid))
    return f" (pid {pid})"


def _later(goes_on: list[threading.Timer], seconds: float, do: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, do)
    goes_on.append(timer)
    timer.start()


def _continue(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def far_client(victim: Victim, place: Path) -> Iterator[tuple[Client, Proxy]]:
    """Yield a client that is connected by TCP, through a cable that can be cut."""
    source = victim.profile.connection_file("client")
    with (
        Proxy(read_connection_file(source).port) as cable,
        Client(through(cable, source, place / "client.json"), timeout=PATIENCE) as rc,
    ):
        yield rc, cable


def run(
    place: Path,
    faults: Sequence[Fault],
    *,
    tasks: int,
    engines: int,
    seconds: float,
    known_within: float = AT_ONCE,
) -> Told:
    """Run `tasks` of so many `seconds` each on `engines` while `faults` happen; return what came of it."""
    told, log = Told(), place / "runs"
    with Victim(place, engines) as victim:
        with far_client(victim, place) as (rc, cable):
            rc.wait_for_engines(engines, timeout=PATIENCE)
            here = Here(victim, cable)
            go_through(rc, here, faults, told, log, tasks=tasks, seconds=seconds, known_within=known_within)
        _look(victim, told)
    told.wrong += [f"left behind: {name}" for name in victim.left()]
    return told


def go_through(
    rc: Client,
    world: World,
    faults: Sequence[Fault],
    told: Told,
    log: Path,
    *,
    tasks: int,
    seconds: float,
    known_within: float,
) -> None:
    """Have `tasks` done while things go wrong, and look at what was delivered, and at what they have written."""
    delivered, over = Deliveries(), threading.Event()
    trouble = threading.Thread(target=happens, args=(world, faults, told, over))
    view, began = rc.load_balanced_view(), time.monotonic()
    trouble.start()
    try:
        results = []
        for number in range(tasks):
            result = view.apply_async(work, number, str(log), seconds)
            result.add_done_callback(partial(delivered.note, number))
            results.append(result)
        rc.wait(results, timeout=tasks * seconds + PATIENCE)
        told.seconds = time.monotonic() - began
        # Whoever waits may go on a moment before callbacks have been called.
        wait_until(lambda: len(delivered) == sum(result.done() for result in results))
    finally:
        over.set()
        trouble.join()
    told.wrong += wrong(tasks, delivered.of, runs(log), known_within=known_within)
    told.again = again(runs(log))


def _look(victim: Victim, told: Told) -> None:
    """See to it that the cluster still runs, and stops as it should."""
    if victim.process.poll() is not None:
        told.wrong.append(f"the cluster has ended:\n{victim.output}")
        return
    victim.stop()
    if "Traceback" in victim.output:
        told.wrong.append(f"a traceback on the terminal:\n{victim.output}")
