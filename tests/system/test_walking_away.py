"""A client is killed while its cell prints; another one attaches, and has all of it: nothing is lost, nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engineroom import Client, Cluster, EngineError
from engineroom.errors import NoSuchTask
from tests.conftest import wait_until
from tests.patience import SECONDS

WALKER = """
import sys
import engineroom

rc = engineroom.Client({file!r})
code = '''
import os, time
for number in range(10_000):
    print("line", number, flush=True)
    time.sleep(0.002)
    if os.path.exists({flag!r}):
        break
print("end", number)
number
'''
ar = rc[:].execute(code, silent=False, block=False)
fetched = rc[:1].apply_async(str, "fetched")
print(ar.msg_ids[1], flush=True)
ar.wait()
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield a cluster of two engines."""
    with Cluster(n=2, profile_dir=tmp_path_factory.mktemp("walk") / "profile_w", restart_dead_engines=False) as rc:
        assert rc.cluster is not None
        yield rc.cluster


@pytest.fixture
def rc(cluster: Cluster) -> Iterator[Client]:
    with Client(cluster=cluster) as client:
        yield client


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_whoever_attaches_to_a_cell_of_a_client_that_was_killed_has_all_of_it(
    cluster: Cluster, rc: Client, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    script = WALKER.format(file=str(cluster.client_connection_file), flag=str(flag))
    walker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert walker.stdout is not None
        with walker.stdout:
            name = walker.stdout.readline().strip()
        early = rc.attach(name)
        wait_until(lambda: all("line 20\n" in text for text in early.stdout), SECONDS)
    finally:
        os.kill(walker.pid, signal.SIGKILL)
        walker.wait(SECONDS)

    wait_until(lambda: any(gone.pid == walker.pid for gone in rc.sessions()), SECONDS)
    [gone] = [gone for gone in rc.sessions() if gone.pid == walker.pid]
    assert gone.running >= 2
    late = rc.attach(name)
    flag.touch()

    replies = late.get(SECONDS)
    assert len(replies) == 2
    for ar in (early, late, rc.attach(name), rc.attach(gone.msg_ids[0])):
        ar.wait(SECONDS)
        assert not ar.owner
        for text in ar.stdout:
            *numbered, end = lines(text)
            assert numbered == [f"line {number}" for number in range(len(numbered))]
            assert end == f"end {len(numbered) - 1}"
    assert rc.get_result(gone.last).get(SECONDS) == ["fetched"] or rc.get_result(gone.last).get(SECONDS) == "fetched"


def test_a_call_that_its_client_has_fetched_is_read_from_the_records_as_a_whole(cluster: Cluster, rc: Client) -> None:
    with Client(cluster=cluster) as owner:
        whole = owner[:].execute("print('written')", block=False)
        single = owner[0].apply_async(pow, 2, 10)
        whole.get(SECONDS)
        single.get(SECONDS)
        seen = [rc.attach(name) for name in whole.msg_ids]
        one = rc.attach(single.msg_id)
    for ar in seen:
        assert ar.wait(SECONDS)
        assert (ar.owner, ar.msg_ids, ar.stdout) == (False, whole.msg_ids, ["written\n"] * 2)
    assert (one.owner, one.get(SECONDS)) == (False, 1024)


def half(number: int) -> float:
    return number / 2


def slowly_half(number: int, gate: str) -> float:
    while number > 5 and not Path(gate).exists():
        pass
    return number / 2


@pytest.mark.parametrize("how", ["balanced", "direct", "one by one"])
def test_any_task_of_a_map_is_attached_to_as_the_map(cluster: Cluster, rc: Client, how: str, tmp_path: Path) -> None:
    wanted, gate = [number / 2 for number in range(9)], tmp_path / "gate"
    with Client(cluster=cluster) as owner:
        view = owner[:] if how == "direct" else owner.load_balanced_view()
        size = {} if how == "direct" else {"chunksize": 1 if how == "one by one" else 4}
        done = view.map_async(half, range(9), **size)
        assert done.get(SECONDS) == wanted
        running = view.map_async(slowly_half, range(9), [str(gate)] * 9, **size)
        other = owner[0].apply_async(pow, 2, 2)
        owner.queue_status()  # its answer comes after the calls are there
        early = rc.attach(running.msg_ids[-1])
        assert not early.done()
    while_it_runs = [rc.attach(running.msg_ids[at]) for at in (0, -1)]
    gate.touch()
    for found in (early, *while_it_runs, rc.attach(running.msg_ids[0]), rc.attach(done.msg_ids[-1])):
        assert found.get(SECONDS) == list(found) == wanted
        assert (found[3], found[-2:], found.owner, found.cancel()) == (1.5, [3.5, 4.0], False, False)
        assert found.msg_ids in (running.msg_ids, done.msg_ids)
    assert rc.attach(other.msg_id).get(SECONDS) == 4


def test_a_map_in_the_midst_of_other_calls_is_not_taken_for_another(cluster: Cluster, rc: Client) -> None:
    with Client(cluster=cluster) as owner:
        first, second = owner.load_balanced_view(), owner.load_balanced_view()
        maps = [view.map_async(half, range(4), chunksize=1) for view in (first, second)]
        calls = [first.apply_async(half, 1), second.apply_async(half, 3)]
        owner.wait([*maps, *calls], SECONDS)
        for each in (*maps, *calls):
            assert rc.attach(each.msg_ids[-1]).get(SECONDS) == each.get()
        again = owner.resubmit(maps[0].msg_ids[2])
        assert again.get(SECONDS) == [1.0]
    assert rc.attach(again.msg_id).get(SECONDS) == [1.0]


def test_the_owner_is_not_disturbed_and_may_cancel_alone(cluster: Cluster, rc: Client) -> None:
    with Client(cluster=cluster) as owner:
        ar = owner[:].apply_async(pow, 2, 10)
        assert ar.get(SECONDS) == [1024, 1024]
        slow = owner[0].execute("import time; print('begun', flush=True); time.sleep(3600)", block=False)
        seen = rc.attach(slow.msg_id)
        wait_until(lambda: seen.stdout == "begun\n", SECONDS)
        assert not seen.cancel()
        with pytest.raises(RuntimeError, match="belongs to another client"):
            seen.abort()
        rc.abort(seen)
        assert not slow.done()
        slow.abort()
        with pytest.raises(Exception, match="KeyboardInterrupt"):
            slow.get(SECONDS)
        with pytest.raises(Exception, match="KeyboardInterrupt"):
            seen.get(SECONDS)


def test_what_is_not_there_is_told_in_words(cluster: Cluster, rc: Client) -> None:
    with pytest.raises(NoSuchTask, match="belongs to another cluster or profile"):
        rc.attach(f"{'ab' * 16}_1")
    with pytest.raises(ValueError, match="not a message id"):
        rc.attach("yesterday")
    with pytest.raises(TypeError, match="expected a message id"):
        rc.attach(7)  # type: ignore[arg-type]
    with Client(cluster=cluster) as owner:
        ar = owner[0].apply_async(os.getpid)
        ar.get(SECONDS)
        with pytest.raises(NoSuchTask, match=f"{ar.msg_id[:32]}_99"):
            rc.attach(f"{ar.msg_id[:32]}_99")


def test_the_death_of_an_engine_is_told_to_those_who_are_attached(cluster: Cluster, rc: Client) -> None:
    with Client(cluster=cluster) as owner:
        ar = owner[1].execute("print('so far', flush=True)\nimport time; time.sleep(3600)", block=False)
        seen = rc.attach(ar.msg_id)
        wait_until(lambda: seen.stdout == "so far\n", SECONDS)
        rc.send_signal("SIGKILL", targets=[1])
        with pytest.raises(EngineError, match=r"engine 1 .*died") as caught:
            seen.get(SECONDS)
        assert "so far" in str(caught.value)
