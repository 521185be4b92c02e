"""One run: tasks are submitted and delivered while things go wrong; what must hold is looked at in the end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from engineroom import AsyncResult, Client
from engineroom.protocol.connection_files import read_connection_file
from tests.chaos.faults import CUT, FREEZE, KILL, STOP, Fault
from tests.chaos.records import again, runs, work, wrong
from tests.chaos.victim import Victim
from tests.system.proxy import Proxy

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


def happens(victim: Victim, faults: Sequence[Fault], cable: Proxy, told: Told, over: threading.Event) -> None:
    """Have the faults happen, one after the other, until it is `over`."""
    goes_on: list[threading.Timer] = []
    for fault in faults:
        if over.wait(fault.after):
            break
        told.done.append(f"{fault}{_do(victim, fault, cable, goes_on)}")
    for timer in goes_on:
        timer.join()


def _do(victim: Victim, fault: Fault, cable: Proxy, goes_on: list[threading.Timer]) -> str:
    if fault.what in {CUT, FREEZE}:
        (cable.cut if fault.what == CUT else cable.freeze)()
        _later(goes_on, fault.lasts, cable.heal)
        return ""
    pid = victim.send(fault.whom, fault.which, signal.SIGKILL if fault.what == KILL else signal.SIGSTOP)
    if pid is None:
        return " (there was none)"
    if fault.what == STOP:
        _later(goes_on, fault.lasts, lambda: _continue(pid))
    return f" (pid {pid})"


def _later(goes_on: list[threading.Timer], seconds: float, do: object) -> None:
    assert callable(do)
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
    with Proxy(read_connection_file(source).port) as cable:
        values = json.loads(source.read_text())
        file = place / "client.json"
        file.write_text(json.dumps(values | {"url": f"tcp://127.0.0.1:{cable.port}", "addresses": [], "socket": ""}))
        file.chmod(0o600)
        with Client(file, timeout=PATIENCE) as rc:
            yield rc, cable


def run(place: Path, faults: Sequence[Fault], *, tasks: int, engines: int, seconds: float) -> Told:
    """Run `tasks` of so many `seconds` each on `engines` while `faults` happen; return what came of it."""
    told, delivered, log = Told(), Deliveries(), place / "runs"
    with Victim(place, engines) as victim:
        with far_client(victim, place) as (rc, cable):
            rc.wait_for_engines(engines, timeout=PATIENCE)
            told.seconds = _submit_and_wait(rc, victim, faults, cable, told, delivered, log, tasks, seconds)
        _look(victim, told)
    told.wrong += wrong(tasks, delivered.of, runs(log))
    told.again = again(runs(log))
    told.wrong += [f"left behind: {name}" for name in victim.left()]
    return told


def _submit_and_wait(
    rc: Client,
    victim: Victim,
    faults: Sequence[Fault],
    cable: Proxy,
    told: Told,
    delivered: Deliveries,
    log: Path,
    tasks: int,
    seconds: float,
) -> float:
    """Return how long it took."""
    view, over, began = rc.load_balanced_view(), threading.Event(), time.monotonic()
    trouble = threading.Thread(target=happens, args=(victim, faults, cable, told, over))
    trouble.start()
    try:
        results = []
        for number in range(tasks):
            result = view.apply_async(work, number, str(log), seconds)
            result.add_done_callback(partial(delivered.note, number))
            results.append(result)
        rc.wait(results, timeout=tasks * seconds + PATIENCE)
        took = time.monotonic() - began
    finally:
        over.set()
        trouble.join()
    return took


def _look(victim: Victim, told: Told) -> None:
    """See to it that the cluster still runs, and stops as it should."""
    if victim.process.poll() is not None:
        told.wrong.append(f"the cluster has ended:\n{victim.output}")
        return
    victim.stop()
    if "Traceback" in victim.output:
        told.wrong.append(f"a traceback on the terminal:\n{victim.output}")
