"""Ctrl-C, and handlers that submit, at any moment of calls to real engines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engineroom import Cluster
from tests.patience import SECONDS

SCRIPT = """
import contextlib, gc, itertools, json, random, signal, sys
import engineroom as er

rc = er.Client(sys.argv[1])
view = rc.load_balanced_view()
view.apply_sync(abs, -1)
numbers, made = itertools.count(1), {}

def submits(signum, frame):
    mine = next(numbers)
    made[mine] = view.apply_async(abs, -mine)
    if mine % 3 == 0:
        with contextlib.suppress(RuntimeError):
            assert view.apply_sync(abs, -mine) == mine

def interrupts(signum, frame):
    signal.setitimer(signal.ITIMER_REAL, 0)
    raise KeyboardInterrupt

# By its own time: on a busy machine, a signal would come as soon as the handler of the last one has ended.
signal.signal(signal.SIGPROF, submits)
signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
results = [view.apply_async(abs, -number) for number in range(5000)]
alone = [view.apply_sync(abs, -number) for number in range(500)]
signal.setitimer(signal.ITIMER_PROF, 0)
right = [result.get(60) for result in results] == list(range(5000)) and alone == list(range(500))
right = right and all(result.get(60) == mine for mine, result in made.items())
assert right and rc.wait(timeout=60), rc

signal.signal(signal.SIGALRM, interrupts)
interrupted = 0
for number in range(300):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00001, 0.0008))
        if number % 3:
            assert view.apply_sync(abs, -number) == number
        else:
            list(map(lambda _: view.apply_async(abs, -1), range(20)))
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        interrupted += 1
assert view.apply_sync(abs, -8) == 8
assert rc.wait(timeout=60), rc
print(json.dumps([len(made), interrupted, sorted(rc.outstanding)]))
rc.close()
"""


@pytest.mark.parametrize("transport", ["", "tls"])
def test_a_storm_of_signals_loses_no_task_and_hangs_nothing(cluster: Cluster, tmp_path: Path, transport: str) -> None:
    path = tmp_path / "storm.py"
    path.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(path), cluster.client_connection_file],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "ENGINEROOM_TRANSPORT": transport},
    )
    assert done.returncode == 0, done.stderr
    made, interrupted, left = json.loads(done.stdout)
    assert made > 20
    assert interrupted > 20
    assert left == []
