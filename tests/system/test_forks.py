"""Forks of a process that has a cluster and a client: whatever becomes of them, both are their parent's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engineroom.settings.profiles import Profile
from tests.patience import SECONDS

START = """
import asyncio, concurrent.futures, json, multiprocessing, os, sys, time
import engineroom as er

def forked(act):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        act()
        sys.exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def words(act):
    try:
        return f"no error, but {act()!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
"""
ENDS = """
if __name__ == "__main__":
    with er.Cluster(n=1) as rc:
        ended = [forked(lambda: None), forked(lambda: os._exit(4)), forked(rc.close), forked(lambda: sys.exit("no"))]
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(abs, range(-3, 3)) == [3, 2, 1, 0, 1, 2]
        process = multiprocessing.get_context("fork").Process(target=sys.exit, args=(5,))
        process.start()
        process.join()
        pid = os.fork()  # from here on, both go on in this block
        if pid == 0 and os.fork() == 0:
            raise RuntimeError("a grandchild fails in the block")
        if pid:
            ended += [process.exitcode, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])]
            print(json.dumps([*ended, rc[0].apply_sync(lambda: 7)]))
    sys.exit(0)
"""
USES = """
async def awaited(future):
    return await future

if __name__ == "__main__":
    cluster = er.Cluster(n=1)
    rc = cluster.start_and_connect_sync()
    view, held = rc[0], rc[0].apply_async(time.sleep, 1)
    balanced = rc.load_balanced_view()
    called = []
    held.add_done_callback(called.append)
    uses = [
        held.get,
        held.exception,
        lambda: next(concurrent.futures.as_completed([held])).result(),
        lambda: concurrent.futures.wait([held]).done.pop().result(),
        lambda: asyncio.run(awaited(held)),
        lambda: view.apply_sync(abs, -1),
        lambda: balanced.map_sync(abs, [-1]),
        lambda: rc.executor().submit(abs, -1),
        lambda: view.push({"a": 1}),
        rc.queue_status,
        cluster.to_dict,
        cluster.stop_cluster_sync,
        cluster.start_engines_sync,
        cluster.start_cluster_sync,
    ]

    def child():
        said = [words(use) for use in uses]
        with er.Client(cluster=cluster) as mine:
            answer = mine[0].apply_sync(lambda: 8)
        found = er.Cluster.from_file(profile_dir=cluster.profile_dir, cluster_id=cluster.cluster_id)
        print(json.dumps([os.getppid(), said, [len(called), answer, found.running]]))

    assert forked(child) == 0
    held.get()
    assert rc[0].apply_sync(lambda: 7) == 7
    rc.close()
    cluster.stop_cluster_sync()
"""


def run(script: str, directory: Path) -> Any:
    (directory / "script.py").write_text(START + script)
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "script.py"]
    ran = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=2 * SECONDS, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.usefixtures("profile")
def test_however_a_fork_ends_its_parents_cluster_goes_on(tmp_path: Path) -> None:
    assert run(ENDS, tmp_path) == [0, 4, 0, 1, 5, 0, 7]


def test_a_fork_that_uses_what_its_parent_has_is_told_whose_it_is(profile: Profile, tmp_path: Path) -> None:
    parent, said, (called, answer, running) = run(USES, tmp_path)
    for words in said:
        assert f"belongs to process {parent}, and this process is a fork of it. Create a new Client()" in words, words
    assert (called, answer, running) == (0, 8, True)
    assert not list(profile.pid_dir.glob("*"))
