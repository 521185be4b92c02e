"""The cases that every peer goes through: `python -m benchmarks.peers.cases NAME` prints a JSON line for each."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from statistics import median

import psutil

from benchmarks.array_work import held, ones, read_pages
from benchmarks.peers.adapters import DISTRIBUTIONS, PEERS, UNADDRESSED, WORKERS, Peer
from benchmarks.timing import percentile, round_trips, seconds
from benchmarks.work import echo, increment, nap, noop, pid

SIZE = 256 * 2**20
WARM_UP, ROUNDS = 3, 7
BUDGET = 8.0
"""Seconds that one case may take: a slow peer is given fewer tasks, and its rate stands all the same."""


def _rate(peer: Peer, count: int) -> float:
    """Return no-ops a second, submitted one by one; of fewer than `count` where they would take too long."""
    probe = 100 / seconds(lambda: _noops(peer, 100))
    count = int(min(count, max(200, probe * BUDGET)))
    return count / seconds(lambda: _noops(peer, count))


def _noops(peer: Peer, count: int) -> None:
    for handle in [peer.submit(noop) for _ in range(count)]:
        peer.result(handle)


def _echoes(peer: Peer, count: int, size: int) -> float:
    data = b"x" * size

    def run() -> None:
        for handle in [peer.submit(echo, data) for _ in range(count)]:
            peer.result(handle)

    return count * size / 2**20 / min(seconds(run) for _ in range(2))


def _map_rate(peer: Peer, count: int) -> float:
    """Return items a second of `map` with default chunks; of fewer than `count` where they would take too long."""
    probe = 1000 / seconds(lambda: peer.map(increment, range(1000)))
    count = int(min(count, max(1000, probe * BUDGET)))
    return count / seconds(lambda: peer.map(increment, range(count)))


def _cpu() -> float:
    me = psutil.Process()
    times = [process.cpu_times() for process in (me, *me.children(recursive=True))]
    return sum(time.user + time.system for time in times)


def _cpu_per_task(peer: Peer) -> float:
    count = int(max(200, min(10_000, _rate(peer, 10_000) * BUDGET / 2)))
    before = _cpu()
    _noops(peer, count)
    return (_cpu() - before) / count * 1e6


def _direct(peer: Peer, name: str) -> float | str:
    if name in UNADDRESSED:
        return "-"
    return percentile(round_trips(lambda: peer.result(peer.submit_to(0, noop)), 200), 50)


def _mebibytes(act: Callable[[], object], moved: int) -> float:
    """Return the MiB a second of `act()`, the median of some once what earlier ones left is used again."""
    end = time.perf_counter() + BUDGET
    for _ in range(WARM_UP):
        if time.perf_counter() < end - BUDGET / 2:
            act()
    rounds = [seconds(act) for _ in range(3)]
    while time.perf_counter() < end and len(rounds) < ROUNDS:
        rounds.append(seconds(act))
    return moved / 2**20 / median(rounds)


def _pull(peer: Peer) -> None:
    read_pages(peer.result(peer.submit_to(0, held, SIZE)))


def _killed(peer: Peer) -> str:
    """Return how many of 200 tasks of 50 ms come back when a worker is killed in their middle, and how soon."""
    victim = peer.result(peer.submit(pid))
    began = time.perf_counter()
    handles = [peer.submit(nap) for _ in range(200)]
    time.sleep(1)
    os.kill(victim, signal.SIGKILL)
    good = 0
    for handle in handles:
        try:
            peer.result(handle)
            good += 1
        except Exception:  # noqa: BLE001 (whatever this peer raises for a lost task)
            continue
    return f"{good} of 200 in {time.perf_counter() - began:.1f} s"


DATA = ones(SIZE)

CASES: dict[str, Callable[[Peer], float | str]] = {
    "lone round trip p50, ms": lambda peer: percentile(round_trips(lambda: peer.result(peer.submit(noop)), 200), 50),
    "no-ops one by one, tasks/s": lambda peer: _rate(peer, 10_000),
    "CPU per no-op, all processes, us": _cpu_per_task,
    "map of 100,000, default chunks, items/s": lambda peer: _map_rate(peer, 100_000),
    "200 x 1 MiB there and back, MiB/s": lambda peer: _echoes(peer, 200, 2**20),
    "256 MiB to both, cold, MiB/s x 2": lambda peer: WORKERS * SIZE / 2**20 / seconds(lambda: peer.to_all(DATA)),
    "256 MiB to both, warm, MiB/s x 2": lambda peer: _mebibytes(lambda: peer.to_all(DATA), WORKERS * SIZE),
    "256 MiB from one, warm, MiB/s": lambda peer: _mebibytes(lambda: _pull(peer), SIZE),
    "256 MiB scattered, warm, MiB/s": lambda peer: _mebibytes(lambda: peer.scatter(DATA), SIZE),
    "256 MiB gathered, warm, MiB/s": lambda peer: _mebibytes(lambda: peer.gather(SIZE), SIZE),
    "worker SIGKILLed, 200 tasks of 50 ms": _killed,
}


def run(name: str) -> Iterator[tuple[str, float | str]]:
    """Yield each case's name and outcome for the peer `name`."""
    yield "version", version(DISTRIBUTIONS[name]) if name in DISTRIBUTIONS else platform.python_version()
    peer = PEERS[name]()
    began = time.perf_counter()
    peer.start(WORKERS)
    for worker in range(WORKERS):
        peer.result(peer.submit_to(worker, noop))
    yield "nothing to first results, s", time.perf_counter() - began
    _noops(peer, 100)
    yield "direct to one worker p50, ms", _direct(peer, name)
    for case, measure in CASES.items():
        try:
            yield case, measure(peer)
        except Exception as error:  # noqa: BLE001 (a peer that can't do one case shall do the others)
            yield case, f"{type(error).__name__}"
    ending = threading.Thread(target=peer.stop, daemon=True)
    ending.start()
    ending.join(BUDGET)


if __name__ == "__main__":
    for case, outcome in run(sys.argv[1]):
        print(json.dumps([case, outcome]), flush=True)
    os._exit(0)  # a pool may never end whose worker was killed
