"""Trouble: one peer is slow, stopped, cut off or greedy; what the others notice of it."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

import engineroom as er
from benchmarks.clusters import cluster, processes
from benchmarks.far_peers import behind_cable, cable_to, gate, running, said, tls
from benchmarks.figures import Figure
from benchmarks.timing import percentile, round_trips
from benchmarks.work import noop, wait_for_file
from tests.system.proxy import Proxy, through

WITHDRAWN = 500_000
HELD = 40_000
RATE = 4_000_000
SLOW_SECONDS = 8.0
RESULTS, RESULT_SIZE = 3_000, 2**20
KEPT = 512 * 1.048576
"""MB that the controller keeps of results for a client, and each engine until they are acknowledged."""

CAPTURES, CAPTURED = 120, 10_000_000
PRINTING, CUTS = 16_320, 328
LIMIT = 120.0


def withdrawn() -> Figure:
    """Measure how long `abort()` of many outstanding tasks takes until each of them has ended."""
    with cluster(2) as rc, gate() as path:
        busy = rc[:].apply_async(wait_for_file, path)
        view = rc.load_balanced_view()
        results = [view.apply_async(noop) for _ in range(WITHDRAWN)]
        began = time.monotonic()
        rc.abort(results)
        rc.wait(results, timeout=LIMIT)
        took = time.monotonic() - began
        Path(path).touch()
        busy.get(timeout=LIMIT)
        ended = sum(result.done() for result in results)
        assert view.apply_sync(os.getpid) > 0
    return Figure(
        name=f"abort() of {WITHDRAWN:,} outstanding tasks, until all have ended",
        unit="s",
        value=took,
        reach=5,
        aim=3,
        more=False,
        detail=f"{ended:,} ended",
    )


def healed() -> Figure:
    """Measure how long after a cut an engine that holds many tasks takes to end them all."""
    with cluster(1) as rc, behind_cable(rc) as (cable, number), gate() as path:
        engine = rc[number]
        busy = engine.apply_async(wait_for_file, path)
        results = [engine.apply_async(noop) for _ in range(HELD)]
        time.sleep(3)  # all of them are at the engine
        cable.cut()
        time.sleep(1)
        Path(path).touch()
        began = time.monotonic()
        cable.heal()
        rc.wait([busy, *results], timeout=LIMIT)
        took = time.monotonic() - began
        ended = sum(result.done() and result.error is None for result in results)
    return Figure(
        name=f"engine with {HELD:,} held tasks cut off and back, until all have ended",
        unit="s",
        value=took,
        reach=5,
        aim=3,
        more=False,
        detail=f"{ended:,} with their result",
    )


def beside_a_slow_client() -> Figure:
    """Measure lone no-ops while another client sends its arguments over a slow line."""
    with cluster(2) as rc, slow_client(rc):
        view = rc.load_balanced_view()
        time.sleep(1)
        times: list[float] = []
        deadline = time.monotonic() + SLOW_SECONDS
        while time.monotonic() < deadline:
            times += round_trips(lambda: view.apply_sync(noop), 1)
    return Figure(
        name=f"lone no-op beside a client at {RATE / 1e6:g} MB/s, p99",
        unit="ms",
        value=percentile(times, 99) if len(times) > 1 else times[0],
        reach=20,
        aim=5,
        more=False,
        detail=f"{len(times)} samples, the longest {max(times):.1f} ms",
    )


def unread() -> list[Figure]:
    """Measure the memory of controller and engines while a client that has stopped reads no results."""
    script = f"""
        import os, signal, time
        view = rc.load_balanced_view()
        results = [view.apply_async(bytes, {RESULT_SIZE}) for _ in range({RESULTS})]
        time.sleep(0.3)
        print("sent", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
    """
    with cluster(2) as rc:
        parts = processes()  # before there is a client, whose command line names a file of the controller
        watched = {"controller": parts["controller"], "engines": parts["engine"]}
        before = {part: memory(members) for part, members in watched.items()}
        peak = dict(before)
        with running(rc.cluster.client_connection_file, script) as client:
            said(client, "sent")
            deadline = time.monotonic() + 25
            while time.monotonic() < deadline:
                peak = {part: max(peak[part], memory(members)) for part, members in watched.items()}
                time.sleep(0.1)
            client.send_signal(signal.SIGCONT)
    return [
        Figure(
            name=f"{RESULTS:,} results of 1 MiB to a stopped client: {part}, at most",
            unit="MB",
            value=peak[part] - before[part],
            reach=reach,
            aim=reach / 2,
            more=False,
        )
        for part, reach in (("controller", 1.2 * KEPT), ("engines", 2 * 1.2 * KEPT))
    ]


def captures() -> Figure:
    """Measure what stays in the controller of functions with large captures whose client has gone."""
    script = f"""
        import numpy as np
        def make(i):
            data = np.full({CAPTURED} // 8, i, dtype=float)
            return lambda: data[0]
        for i in range({CAPTURES}):
            assert rc[0].apply_sync(make(i)) == i
        print("done", flush=True)
    """
    with cluster(1) as rc:
        controller = processes()["controller"]
        before = memory(controller)
        with running(rc.cluster.client_connection_file, script) as client:
            said(client, "done")
            client.wait(LIMIT)
        time.sleep(10)
        after = memory(controller)
        peak = before
    return Figure(
        name=f"{CAPTURES} functions over {CAPTURED / 1e6:g} MB whose client has gone: controller grows by",
        unit="MB",
        value=after - peak,
        reach=64 * 1.048576,
        aim=32,
        more=False,
    )


def printed() -> Figure:
    """Count the tasks whose output is wrong after many cuts of their client's connection."""

    def say(number: int) -> int:
        print(f"task {number}", flush=True)
        print("x" * 50)
        return number

    with cluster(2) as rc, cable_to(rc.cluster.client_connection_file) as cable:
        file = Path(tempfile.mkdtemp(prefix="er-bench-")) / "client.json"
        through(cable, rc.cluster.client_connection_file, file)
        stop = threading.Event()
        with tls(), er.Client(file) as far:
            view = far.load_balanced_view()
            cutter = threading.Thread(target=cut_often, args=(cable, stop))
            cutter.start()
            wrong = 0
            try:
                for first in range(0, PRINTING, 480):
                    batch = [(number, view.apply_async(say, number)) for number in range(first, first + 480)]
                    for number, result in batch:
                        right = result.get(timeout=LIMIT) == number and result.stdout == f"task {number}\n{'x' * 50}\n"
                        wrong += not right
            finally:
                stop.set()
                cutter.join()
    return Figure(
        name=f"outputs that are wrong, of {PRINTING:,} tasks under cuts of their client's connection",
        unit="tasks",
        value=wrong,
        reach=0,
        aim=0,
        more=False,
    )


def cut_often(cable: Proxy, stop: threading.Event) -> None:
    """Cut and heal `cable` again and again."""
    for _ in range(CUTS):
        if stop.wait(0.1):
            return
        cable.cut()
        stop.wait(0.01)
        cable.heal()


@contextmanager
def slow_client(rc: er.Client) -> Iterator[None]:
    """Have another client send one large argument after the other over a slow line meanwhile."""
    script = """
        view = rc.load_balanced_view()
        results = [view.apply_async(len, bytes(20_000_000)) for _ in range(8)]
        print("sent", flush=True)
        [result.get() for result in results]
    """
    source = rc.cluster.client_connection_file
    with tempfile.TemporaryDirectory(prefix="er-bench-") as home, cable_to(source, RATE) as cable:
        file = Path(home) / "client.json"
        through(cable, source, file)
        with running(file, script, {"ENGINEROOM_TRANSPORT": "tls"}) as client:
            said(client, "sent")
            yield


def memory(members: list[psutil.Process]) -> float:
    """Return the resident memory of `members` together, in MB."""
    return sum(member.memory_info().rss for member in members) / 1e6
