"""Two runs that somebody does not survive: the host of a cluster, and a client. What must hold for everybody else."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil

from engineroom import AsyncResult, Client
from engineroom.errors import ControllerLost
from tests.chaos.faults import CONTROLLER, ENGINE, HOST, SPAWNER
from tests.chaos.records import again, runs, work
from tests.chaos.victim import Victim
from tests.conftest import wait_until
from tests.patience import SECONDS, slowly

STATED = 10.0
"""Seconds within which everything has ended whose host was killed."""

_ROOT = Path(__file__).parents[2]


def host_killed(place: Path, seed: int) -> list[str]:
    """Kill a host at some moment; return, in words, what must not be."""
    moment, wrong = random.Random(seed).uniform(0.0, 0.5), list[str]()
    with Victim(place, 2) as victim:
        everybody = [psutil.Process(pid) for whom in (CONTROLLER, SPAWNER, ENGINE) for pid in victim.pids(whom)]
        with Client(victim.profile.connection_file("client"), timeout=SECONDS) as rc:
            rc.wait_for_engines(2, timeout=SECONDS)
            view = rc.load_balanced_view()
            results = [view.apply_async(work, number, str(place / "runs"), 1.0) for number in range(20)]
            results[-1].wait(moment)
            victim.send(HOST, 0, signal.SIGKILL)
            killed = time.monotonic()
            rc.wait(results, timeout=SECONDS)
            wrong += [f"task {number} has no end" for number, each in enumerate(results) if not each.done()]
            for error in [error for each in results if each.done() and (error := each.exception()) is not None]:
                if not isinstance(error, ControllerLost) or "its host is gone" not in str(error):
                    wrong.append(f"a task ended in {error!r}")
        wait_until(lambda: not any(map(lives, everybody)))
        if (took := time.monotonic() - killed) > slowly(STATED):
            wrong.append(f"it took {took:.1f} s until everything had ended")
        wait_until(lambda: not victim.left())
        return wrong + [f"left behind: {name}" for name in victim.left()]


def client_killed(place: Path, seed: int) -> list[str]:
    """Kill a client at some moment while another one works; return, in words, what must not be."""
    moment, wrong, count = random.Random(seed).randrange(1, 20), list[str](), 40
    with Victim(place, 2) as victim:
        file, log = victim.profile.connection_file("client"), place / "runs"
        with Client(file, timeout=SECONDS) as rc:
            rc.wait_for_engines(2, timeout=SECONDS)
            own = submit(rc, count, place / "own")
            other, ids = _client(file, log, count)
            wait_until(lambda: len(runs(log)) >= moment)
            other.kill()
            other.wait(SECONDS)
            if [result.get(timeout=SECONDS) for result in own] != [number**2 for number in range(count)]:
                wrong.append("another client has wrong results")
            fetched = rc.get_result(ids).get(timeout=SECONDS)
            if fetched != [number**2 for number in range(count)]:
                wrong.append(f"another client fetches {fetched} of the one that was killed")
            if rc.load_balanced_view().apply_async(os.getpid).get(timeout=SECONDS) not in victim.pids(ENGINE):
                wrong.append("the engines are others")
        if more := again(runs(log)):
            wrong.append(f"{more} runs were repeated")
        victim.stop()
        return wrong + [f"left behind: {name}" for name in victim.left()]


def submit(rc: Client, count: int, log: Path) -> list[AsyncResult[int]]:
    """Submit tasks that write down their runs."""
    view = rc.load_balanced_view()
    return [view.apply_async(work, number, str(log), 0.02) for number in range(count)]


def lives(process: psutil.Process) -> bool:
    """Whether a process has not ended."""
    with contextlib.suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _client(file: Path, log: Path, count: int) -> tuple[subprocess.Popen[bytes], list[str]]:
    """Start a process whose client submits tasks and waits for them; return it, once all have been sent, and their
    ids."""
    script = f"""
        from pathlib import Path
        from engineroom import Client
        from tests.chaos.ends import submit
        with Client({str(file)!r}) as rc:
            results = submit(rc, {count}, Path({str(log)!r}))
            rc.queue_status()  # whoever answers has had all that was sent before
            print(*[result.msg_id for result in results], flush=True)
            rc.wait(results)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, cwd=_ROOT)
    assert process.stdout is not None
    with process.stdout as said:
        return process, said.readline().decode().split()
