"""Everything is killed at once; the next cluster of the same profile goes on with what was not done."""

from __future__ import annotations

import contextlib
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import engineroom as er
from engineroom.settings.profiles import Profile
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.system.conftest import Command
from tests.system.held_tasks import Mark

TASKS = 40
SOME = 10


def noting(log: str, number: int, mark: str) -> int:
    """Note that this task runs; all but the first ones wait. (Runs on engines.)"""
    import os
    import threading

    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{number}\n".encode())
    os.close(descriptor)
    while number >= 10 and not os.path.exists(mark):
        threading.Event().wait(0.01)
    return number * number


def all_at_once(pid: int) -> None:
    """Kill a process and all that have come of it."""
    root = psutil.Process(pid)
    root.suspend()
    every = [root, *root.children(recursive=True)]
    for act in (psutil.Process.suspend, psutil.Process.kill):  # so that nobody sees another one die
        for process in every:
            with contextlib.suppress(psutil.NoSuchProcess):
                act(process)


def test_what_was_not_done_runs_in_the_next_cluster_once_and_is_read_by_id(
    command: Callable[..., Command], profile: Profile, tmp_path: Path, mark: Mark
) -> None:
    start = ("ipcluster", "start", "-n", "1", "--", "--sqlitedb")
    first, log = command(*start).says("use it in Python"), tmp_path / "log"
    with er.Client(profile_dir=str(profile.path)) as rc:
        rc.wait_for_engines(1, timeout=SECONDS)
        view = rc.load_balanced_view()
        sent = [view.apply_async(noting, str(log), number, str(mark)) for number in range(TASKS)]
        ids = [each.msg_id for each in sent]
        rc.wait(sent[:SOME], timeout=SECONDS)
        bound = rc[0].apply_async(noting, os.devnull, TASKS, str(mark)).msg_id
        assert wait_until(lambda: rc.db_query({"msg_id": bound}, keys="msg_id"))
    all_at_once(first.process.pid)
    first.ends()
    mark.set()

    second = command(*start).says("tasks of 1 client were not done when the cluster ended at").says("use it in Python")

    with er.Client(profile_dir=str(profile.path)) as rc:
        assert [rc.get_result(each).get(SECONDS) for each in ids] == [number**2 for number in range(TASKS)]
        with pytest.raises(er.EngineError, match="not part of the cluster"):
            rc.get_result(bound).get(SECONDS)
        runs = Counter(map(int, log.read_text().split()))
        assert set(runs) == set(range(TASKS))
        assert all(runs[number] == 1 for number in range(SOME)), "what was recorded has run again"
        assert sum(times > 1 for times in runs.values()) <= 1  # the one that ran when all was killed
        assert rc.audit().well
    second.signal(signal.SIGINT).succeeds()
    third = command(*start).says("use it in Python")
    assert "not done" not in third.output
    third.signal(signal.SIGINT).succeeds()
