"""Logs of clusters that have ended: which are whose, and which go by themselves."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from engineroom.cluster.records.old_logs import FORGOTTEN, KEPT_CLUSTERS, ended, forget, of_cluster, random_id

HOST = socket.gethostname()
GONE = 2**22 + 1
"""A pid that no process can have."""


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def logs_of(cluster_id: str) -> list[str]:
    tail = f"-{cluster_id}" if cluster_id else ""
    programs = (
        f"ipcluster{tail}",
        f"ipcontroller{tail}",
        f"ipengine{tail}-0",
        f"ipengine{tail}-1",
        f"ipengines{tail}-1",
    )
    return [
        *(f"{name}.log{end}" for name in programs for end in ("", ".1")),
        f"steps{tail}.jsonl",
        f"steps{tail}.jsonl.1",
    ]


def test_a_cluster_has_its_own_logs_and_no_others(tmp_path: Path) -> None:
    for cluster_id in ("", "x", "x-1", "lab", "0123abcd"):
        for name in logs_of(cluster_id):
            (tmp_path / name).touch()
    for cluster_id, others in (("", ()), ("x", ("x-1",)), ("x-1", ("x",)), ("lab", ())):
        found = sorted(path.name for path in of_cluster(tmp_path, cluster_id, others))
        assert found == sorted(logs_of(cluster_id))


ids = st.text("ab-1", max_size=4).filter(lambda text: text == text.strip("-"))


@given(st.sets(ids, max_size=4), st.sets(ids, max_size=4))
def test_only_logs_of_clusters_that_ended_go(dead: set[str], living: set[str]) -> None:
    dead -= living
    with TemporaryDirectory() as place:
        directory = Path(place)
        for name in [name for cluster_id in dead | living for name in logs_of(cluster_id)]:
            (directory / name).touch()
        (directory / "mine.log").touch()
        for path in ended(directory, living=living):
            path.unlink()
        kept = {name for cluster_id in living for name in logs_of(cluster_id)}
        assert kept | {"mine.log"} <= set(names(directory))
        # What could be of a living cluster, too, stays.
        unclear = {
            name for name in names(directory) if any(name.startswith(_prefixes(each)) for each in living if each)
        }
        assert set(names(directory)) - kept - unclear == {"mine.log"}


def _prefixes(cluster_id: str) -> tuple[str, ...]:
    return tuple(
        f"{program}-{cluster_id}-" for program in ("ipcluster", "ipcontroller", "ipengine", "ipengines", "steps")
    )


def test_a_process_that_runs_keeps_its_log(tmp_path: Path) -> None:
    mine, gone = f"ipengine-{HOST}-{os.getpid()}.log", f"ipengine-{HOST}-{GONE}.log"
    hosted = f"ipcluster-engines-{HOST}-{os.getpid()}.log"
    elsewhere, long_ago = "ipengine-node7-41.log", "ipengine-node7-42.log"
    for name in (mine, gone, hosted, elsewhere, long_ago):
        (tmp_path / name).touch()
    os.utime(tmp_path / long_ago, (0, 0))
    assert [path.name for path in ended(tmp_path, living=())] == sorted([gone, long_ago])


def test_of_random_ids_the_last_few_are_kept(tmp_path: Path) -> None:
    random = [random_id() for _ in range(KEPT_CLUSTERS + 4)]
    now = time.time()
    for number, cluster_id in enumerate(random):
        for name in logs_of(cluster_id):
            (tmp_path / name).touch()
            os.utime(tmp_path / name, (now - number, now - number))
    named = [*logs_of(""), *logs_of("20261126"), *logs_of("lab"), "mine.log"]
    for name in named:
        (tmp_path / name).touch()
    alive = random[-1]
    forget(tmp_path, living={alive})
    kept = [*random[:KEPT_CLUSTERS], alive]
    assert names(tmp_path) == sorted([*named, *(name for each in kept for name in logs_of(each))])


def test_of_random_ids_nothing_is_kept_for_long(tmp_path: Path) -> None:
    long_ago = time.time() - FORGOTTEN - 60
    for name in [*logs_of("0123abcd"), *logs_of("lab")]:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (long_ago, long_ago))
    forget(tmp_path, living=())
    assert names(tmp_path) == sorted(logs_of("lab"))
    forget(tmp_path / "gone", living=())
    assert ended(tmp_path / "gone", living=()) == []


def test_a_random_id_is_no_date() -> None:
    assert not any(random_id().isdigit() for _ in range(500))
