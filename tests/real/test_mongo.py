"""The MongoDB store against a server, over the wire: one that speaks its language, or a MongoDB of yours.

`ENGINEROOM_TEST_MONGODB` names the latter, for the suite of stores; what kills a server never kills yours.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engineroom.machine.processes import ProcessRecord
from engineroom.store.changes import Change, Stopped
from engineroom.store.config import MongoServer
from engineroom.store.factory import create_store
from engineroom.store.interface import LeftBehind, Store, StoreUnusable
from tests.real.mongo_wire import MongoWire
from tests.store.tasks import THEN, ended, submitted

pytest.importorskip("pymongo", reason="pymongo is not installed: `make test-real` installs it")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> MongoWire:
    made = MongoWire(tmp_path_factory.mktemp("mongo"))
    made.install()
    return made


@pytest.fixture
def server(installed: MongoWire) -> Iterator[MongoWire]:
    try:
        installed.start()
        yield installed
    finally:
        installed.kill()


def test_it_does_what_every_store_does(server: MongoWire) -> None:
    url = os.environ.get("ENGINEROOM_TEST_MONGODB", server.url)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/store", "-q", "-k", "mongo", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "ENGINEROOM_TEST_MONGODB": url},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout


def _config(url: str) -> MongoServer:
    return MongoServer([url], {"serverSelectionTimeoutMS": 300}, "engineroom-test-life")


def test_a_server_that_goes_and_comes_back_misses_nothing(server: MongoWire) -> None:
    said: list[str] = []
    store = create_store(_config(server.url), life="one", report=said.append)
    store.open()
    store.write([ended(submitted(1))])
    server.kill()
    store.write([ended(submitted(2)), submitted(3)])
    store.write([ended(submitted(3))])
    assert [words.partition(" fails: ")[0] for words in said] == [f"MongoDB at {server.url}"]
    assert "Tasks go on; until this is solved they are kept in memory only" in said[0]
    assert [record["number"] for record in store.find({"state": "done"}, "number")] == [2, 3]
    server.start()
    pause = threading.Event()
    for _ in range(600):
        store.write([])
        if len(said) > 1:
            break
        pause.wait(0.1)
    assert said[1:] == [f"{store.where} works again: 2 tasks were written later"]
    assert [record["number"] for record in store.find({}, "number")] == [2, 3]  # this server forgets what it had
    store.close()


def test_a_server_that_does_not_answer_is_an_error_at_start() -> None:
    store = create_store(_config("mongodb://me:secret@127.0.0.1:9"), life="one")
    with pytest.raises(StoreUnusable, match=r"MongoDB at mongodb://127\.0\.0\.1:9 can't be used: .*refused") as caught:
        store.open()
    assert "secret" not in str(caught.value)
    store.close()


@pytest.mark.parametrize(
    "config",
    [
        MongoServer(["http://nowhere"]),
        MongoServer([], {"nonsense": 1}),
        MongoServer(["mongodb://127.0.0.1:9"], {"serverSelectionTimeoutMS": "soon"}),
        MongoServer(["mongodb://127.0.0.1:9"], {"serverSelectionTimeoutMS": 100}, "no such/name"),
    ],
)
def test_options_that_make_no_sense_are_an_error_at_start(config: MongoServer) -> None:
    store = create_store(config, life="one")
    with pytest.raises(StoreUnusable, match=r"can't be used: .+ correct MongoDB\.connection_args"):
        store.open()
    store.close()


def test_only_what_this_life_of_the_cluster_began_is_unfinished(server: MongoWire) -> None:
    for life, number in (("one", 1), ("two", 2), ("one", 3)):
        store = create_store(_config(server.url), life=life)
        store.open()
        store.write([submitted(number)])
        found = [entry.msg_id[-2:] for entry in store.unfinished()]
        assert found == {1: ["_1"], 2: ["_2"], 3: ["_1", "_3"]}[number]
        store.close()


@contextmanager
def _lives(server: MongoWire, name: str) -> Iterator[tuple[MongoServer, Any]]:
    import pymongo  # checked above

    with pymongo.MongoClient(server.url) as client:
        yield MongoServer([server.url], {}, name), client[name]["engineroom_lives"]


def _ended_process() -> dict[str, Any]:
    """Return the record of a process that ran here and runs no more."""
    return {**msgspec.to_builtins(ProcessRecord.of_this_process()), "start_time": "earlier"}


def _life(config: MongoServer, life: str, *changes: Change) -> Store:
    store = create_store(config, life=life, cluster="ours")
    store.open()
    if changes:
        store.write(changes)
        store.close()
    return store


def test_what_a_cluster_left_undone_goes_on_in_the_next_one_once_its_controller_has_ended(server: MongoWire) -> None:
    with _lives(server, "engineroom-test-lives") as (config, lives):
        _life(config, "one", submitted(1), ended(submitted(2)))
        running = _life(config, "two")
        assert running.left_behind() is None, "a controller that runs keeps what is its own"
        running.close()
        lives.update_many({}, {"$set": {"process": _ended_process()}})
        store = _life(config, "three")
        assert store.left_behind() == LeftBehind(THEN + 2.75)
        assert [entry.task for entry in store.left(lambda _: None)] == [submitted(1).task]
        store.write([Stopped(THEN + 10), submitted(11)])
        assert [entry.task for entry in store.left(lambda _: None)] == [submitted(11).task]
        store.close()
        lives.update_many({}, {"$set": {"process": _ended_process()}})
        last = _life(config, "four")
        assert [entry.task for entry in last.left(lambda _: None)] == [submitted(11).task]
        last.close()


def test_what_a_cluster_of_another_machine_left_undone_is_left_alone(server: MongoWire) -> None:
    with _lives(server, "engineroom-test-lives-elsewhere") as (config, lives):
        _life(config, "one", submitted(1))
        lives.update_many({}, {"$set": {"process": {**_ended_process(), "host": "elsewhere"}}})
        store = _life(config, "two")
        assert (store.left_behind(), list(store.left(lambda _: None))) == (None, [])
        store.close()


def test_the_oldest_tasks_go_when_there_are_too_many(server: MongoWire) -> None:
    config = MongoServer([server.url], {}, "engineroom-test-limits", record_limit=10)
    store = create_store(config, life="one")
    store.open()
    for number in range(1, 131):
        store.write([ended(submitted(number, payload=bytes(9000)))])
    numbers = [record["number"] for record in store.find({}, "number")]
    assert numbers[-1] == 130
    assert 10 <= len(numbers) <= 74
    [retired] = store.absences()
    assert retired.tasks.ranges == ((1, numbers[0] - 1),)
    assert len(b"".join(store.search({"number": 130})[0].call_buffers())) == 9000
    store.close()
