"""The file of the SQLite store: whose it is, what is in it, how large it gets, and what happens when it fails."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engineroom.ids import msg_id
from engineroom.store.changes import Stopped
from engineroom.store.interface import StoreTrouble, StoreUnusable
from engineroom.store.sqlite.opening import Surroundings
from engineroom.store.sqlite.retention import Limits
from engineroom.store.sqlite.store import SQLiteStore
from tests.store.tasks import ALICE, THEN, delivered, ended, purged, submitted

LONG = bytes(range(256)) * 400


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profile" / "tasks.db"


def opened(path: Path, table: str = "tasks", **how: object) -> SQLiteStore:
    store = SQLiteStore(path, table, **how)  # type: ignore[arg-type]
    store.open()
    return store


def test_what_was_written_is_there_after_a_restart(path: Path) -> None:
    store = opened(path)
    store.write([submitted(1), ended(submitted(2, payload=LONG)), *delivered(submitted(2))])
    store.close()
    store = opened(path)
    assert [(record["number"], record["delivered"]) for record in store.find({}, ["number", "delivered"])] == [
        (1, False),
        (2, True),
    ]
    assert b"".join(store.search({"number": 2})[0].call_buffers()) == LONG
    assert store.known_up_to() == {ALICE: 2}
    store.close()


def test_what_was_written_outlives_a_kill(path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from tests.store.test_sqlite_file import opened, ended, submitted\n"
        "store = opened(Path(sys.argv[1])); store.write([ended(submitted(n)) for n in range(1, 51)])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=root, check=False, timeout=60)
    assert done.returncode == -9
    store = opened(path)
    assert store.count() == 50
    store.close()


def test_the_file_is_for_its_owner_alone_and_nothing_else_is_left(path: Path) -> None:
    store = opened(path)
    store.write([submitted(1)])
    assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}
    store.close()
    assert [each.name for each in path.parent.iterdir()] == ["tasks.db"]


TABLES = [
    "tasks",
    'a"b',
    "a'b; DROP TABLE x; --",
    "select",
    "sqlite_x",
    "engineroom_tables",
    "",
    " ",
    "é\0é",
    "%s",
    "Ä" * 300,
]


def test_a_table_may_have_any_name(path: Path) -> None:
    for number, table in enumerate([*TABLES, "TASKS"], 1):
        store = opened(path, table)
        store.write([ended(submitted(number))])
        assert [entry.msg_id for entry in store.search()] == [msg_id(submitted(number).task)], table
        store.close()
    for number, table in enumerate([*TABLES, "TASKS"], 1):
        store = opened(path, table)
        assert store.history() == [msg_id(submitted(number).task)], table
        store.close()


def test_a_second_controller_is_refused_with_the_firsts_pid_and_host(path: Path) -> None:
    first = opened(path)
    with pytest.raises(StoreUnusable, match=rf"in use by the controller with pid {os.getpid()} on \S+\. Stop that"):
        opened(path, "another")
    look = opened(path, read_only=True)
    assert look.count() == 0
    look.close()
    first.close()
    opened(path).close()


def test_a_file_of_another_program_is_refused_and_stays_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (name)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match=r"tasks\.db is a database of another program\. Choose another file"):
        opened(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["tasks.db"]


@pytest.mark.parametrize(("version", "age"), [(99, "a newer"), (0, "an older")])
def test_a_file_of_another_version_is_refused(path: Path, version: int, age: str) -> None:
    opened(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(
        StoreUnusable, match=rf"was written by {age} version of engineroom \(format {version}, expected"
    ):
        opened(path)


def test_a_file_of_ipyparallel_is_moved_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute('CREATE TABLE "ipython-tasks" (msg_id text PRIMARY KEY, header dict text, result_header text)')
    connection.close()
    store = opened(path)
    store.write([submitted(1)])
    store.close()
    assert "it was written by ipyparallel" in caplog.text
    assert len(list(path.parent.glob("tasks.db.ipyparallel-*"))) == 1


@pytest.mark.parametrize("damage", ["text", "half", "middle"])
def test_a_corrupt_file_is_moved_aside_and_a_new_one_begun(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(path)
    store.write([ended(submitted(n, payload=b"x" * 3000)) for n in range(1, 101)])
    store.close()
    content = path.read_bytes()
    broken = {
        "text": b"this is no database\n" * 1000,
        "half": content[: len(content) // 2 + 100],
        "middle": content[: len(content) // 2] + b"\xff" * 20_000 + content[len(content) // 2 + 20_000 :],
    }[damage]
    path.write_bytes(broken)
    store = opened(path)
    store.write([submitted(1)])
    assert store.count() == 1
    store.close()
    [aside] = path.parent.glob("tasks.db.corrupt-*")
    assert aside.read_bytes() == broken
    assert f"It was renamed to {aside.name}, and a new file is used" in caplog.text


def test_a_file_that_becomes_corrupt_is_replaced_and_tasks_go_on(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = opened(path, limits=Limits(records=10))
    store.write([ended(submitted(n, payload=b"x" * 3000)) for n in range(1, 201)])
    store.close()
    store = opened(path)
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (path.stat().st_size - 8192))
    for number in range(1000, 1010):
        store.write([ended(submitted(number, payload=b"x" * 3000))])
    with contextlib.suppress(StoreTrouble):
        store.search()
    store.write([ended(submitted(2000))])
    assert store.get(submitted(2000).task) is not None
    store.close()
    assert "cannot be used" in caplog.text


def test_what_is_damaged_is_said_to_whoever_reads(path: Path) -> None:
    store = opened(path)
    store.write([ended(submitted(n, payload=b"x" * 3000)) for n in range(1, 201)])
    store.close()
    store = opened(path)
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)
    with pytest.raises(StoreTrouble, match=r"tasks\.db is damaged, and .* it is renamed and a new file is begun"):
        list(store.entries())
    store.close()
    with pytest.raises(StoreTrouble, match=r"tasks\.db is damaged, and the tasks in it can't be read \(.*\)$"):
        opened(path, read_only=True)


def test_a_directory_that_nobody_can_write_to_is_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreTrouble, match=r"file/tasks\.db: Not a directory") as caught:
        opened(tmp_path / "file" / "tasks.db")
    assert not isinstance(caught.value, StoreUnusable)


def test_a_directory_in_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "tasks.db").mkdir()
    with pytest.raises(StoreUnusable, match=r"tasks\.db is a directory\. Choose another file"):
        opened(tmp_path / "tasks.db")


def test_a_full_disk_is_trouble_and_nothing_of_the_batch_is_kept(path: Path) -> None:
    store = opened(path)
    store.write([submitted(1)])
    connection = store._connection
    assert connection is not None
    [(pages,)] = connection.execute("PRAGMA page_count")
    connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StoreTrouble, match=r"tasks\.db: database or disk is full"):
        store.write([ended(submitted(n, payload=LONG)) for n in range(1, 20)])
    store.write([submitted(2)])
    assert [entry.state for entry in store.search()] == ["waiting", "waiting"]
    store.close()


def test_a_file_that_another_program_has_locked_is_trouble(path: Path) -> None:
    store = opened(path, among=Surroundings(patience=0.05))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreTrouble, match=r"tasks\.db: database is locked"):
        store.write([submitted(1)])
    other.execute("ROLLBACK")
    other.close()
    store.write([submitted(1)])
    assert store.count() == 1
    store.close()


@pytest.mark.parametrize("kind", ["nfs4", "ext4"])
def test_the_journal_is_one_that_the_file_system_allows(path: Path, kind: str) -> None:
    store = opened(path, among=Surroundings(file_system=lambda _: kind))
    store.write([ended(submitted(1))])
    names = {each.name for each in path.parent.iterdir()}
    assert ("tasks.db-wal" in names) == (kind == "ext4")
    assert store.count() == 1
    store.close()


def test_only_the_latest_tasks_stay_and_what_went_is_noted(path: Path) -> None:
    store = opened(path, limits=Limits(records=100))
    waiting = submitted(1)
    store.write([waiting])
    for number in range(2, 1002):
        store.write([ended(submitted(number))])
    kept = [record["number"] for record in store.find({}, "number")]
    assert kept[0] == 1
    assert kept[1:] == list(range(kept[1], 1002))
    assert 100 <= len(kept) - 1 <= 100 + 64
    [retired] = [absence for absence in store.absences() if absence.kind == "retired"]
    assert retired.tasks.ranges == ((2, kept[1] - 1),)
    store.close()


def test_the_file_gives_space_back(path: Path) -> None:
    store = opened(path, limits=Limits(records=50))
    for at in range(1, 2001, 500):
        store.write([ended(submitted(n), value=b"v" * 4000) for n in range(at, at + 500)])
    store.write([ended(submitted(n)) for n in range(3000, 3200)])
    store.close()
    assert path.stat().st_size < 1_500_000


def test_long_payloads_go_with_their_tasks(path: Path) -> None:
    store = opened(path)
    store.write([ended(submitted(n, payload=LONG), value=LONG) for n in range(1, 6)])
    store.write(purged(*(submitted(n) for n in range(1, 5))))
    assert b"".join(store.search({"number": 5})[0].call_buffers()) == LONG
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM engineroom_bodies").fetchone() == (2 * 2,)
    connection.close()
    store.close()


def test_tables_of_earlier_lives_go_first(path: Path) -> None:
    for life in ("one", "two", "three"):
        store = opened(path, life, life=True, limits=Limits(records=100))
        store.write([ended(submitted(n)) for n in range(1, 81)])
        store.close()
    with sqlite3.connect(path) as connection:
        names = [name for (name,) in connection.execute("SELECT sql_name FROM engineroom_tables ORDER BY id")]
    connection.close()
    assert names == ["three"]


def test_tables_of_other_clusters_go_last_and_never_while_they_have_something_to_go_on_with(path: Path) -> None:
    ran, stopped = [ended(submitted(n), value=b"v" * 2000) for n in range(1, 81)], Stopped(5e9)
    for cluster, life, last in [("a", "undone", submitted(99)), ("b", "others", stopped), ("ours", "first", stopped)]:
        store = opened(path, life, life=True, cluster=cluster)
        store.write([*ran, last])
        store.close()

    def tables_after(most: int, limits: Limits) -> list[str]:
        store = opened(path, "now", life=True, cluster="ours", limits=limits)
        store.write(ran[:most])
        store.close()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return [name for (name,) in connection.execute("SELECT sql_name FROM engineroom_tables ORDER BY id")]

    assert tables_after(1, Limits(records=100)) == ["undone", "others", "now"]
    assert tables_after(80, Limits(records=100)) == ["undone", "now"]
    assert tables_after(1, Limits(size=1000)) == ["undone", "now"]


def test_the_tables_of_earlier_lives_give_their_space_back(path: Path) -> None:
    sizes = []
    for life in ("one", "two"):
        store = opened(path, life, life=True, limits=Limits(records=60))
        store.write([ended(submitted(n, payload=LONG)) for n in range(1, 51)])
        store.close()
        sizes.append(path.stat().st_size)
    assert sizes[1] < sizes[0] * 1.2


def test_old_tasks_go_by_age(path: Path) -> None:
    store = opened(path, limits=Limits(age=3600.0))
    store.write([ended(submitted(1)), submitted(2), ended(submitted(3, at=4e9))])
    assert [record["number"] for record in store.find({}, "number")] == [2, 3]
    store.close()


CHANGED = {
    "a state": "UPDATE tasks SET state = 'failed' WHERE task = ?",
    "a time": "UPDATE tasks SET completed = completed + 1 WHERE task = ?",
    "the contents": "UPDATE tasks SET head = zeroblob(length(head)) WHERE task = ?",
    "the checksum": "UPDATE tasks SET checksum = checksum + 1 WHERE task = ?",
    "a label": "UPDATE tasks SET label = 'mine' WHERE task = ?",
    "a payload": "UPDATE engineroom_bodies SET data = zeroblob(length(data)) WHERE task = ?",
}


@pytest.mark.parametrize("what", CHANGED)
def test_an_entry_that_was_changed_by_hand_is_found(path: Path, what: str) -> None:
    store = opened(path)
    store.write([ended(submitted(n, payload=LONG)) for n in range(1, 4)])
    store.write([submitted(4)])
    assert list(store.damages()) == []
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(CHANGED[what], (submitted(2).task,))
    connection.close()
    assert {damage.msg_id for damage in store.damages()} == {msg_id(submitted(2).task)}
    store.close()


def test_questions_are_answered_while_tasks_are_written(path: Path) -> None:
    store = opened(path)
    stop, wrong = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            states = [record["state"] for record in store.find({}, "state")]
            if len(states) % 10 or set(states) - {"done"}:
                wrong.append(states)

    asker = threading.Thread(target=ask)
    asker.start()
    for at in range(1, 301, 10):
        store.write([ended(submitted(n)) for n in range(at, at + 10)])
    stop.set()
    asker.join()
    assert wrong == []
    assert store.count() == 300
    store.close()


@pytest.mark.parametrize("how", ["removed", "replaced", "with its directory"])
def test_a_file_that_somebody_removes_is_begun_anew(path: Path, how: str, caplog: pytest.LogCaptureFixture) -> None:
    store = opened(path)
    store.write([ended(submitted(1))])
    for each in list(path.parent.iterdir()):
        each.unlink()
    if how == "replaced":
        path.write_bytes(b"")
    elif how == "with its directory":
        path.parent.rmdir()
    store.write([ended(submitted(2))])
    store.close()
    assert f"{path} was removed or replaced" in caplog.text
    store = opened(path)
    assert store.history() == [msg_id(submitted(2).task)]
    store.close()
    assert [each.name for each in path.parent.iterdir()] == ["tasks.db"]


def test_the_lock_file_says_who_has_it(path: Path) -> None:
    store = opened(path)
    assert json.loads(path.with_name("tasks.db.lock").read_text())["pid"] == os.getpid()
    store.close()


@pytest.mark.parametrize("few", [0, 20_000])
@pytest.mark.parametrize("skip", [0, 3])
def test_tasks_that_ended_within_a_time_come_as_they_were_submitted(path: Path, few: int, skip: int) -> None:
    """Whether few or many ended then, which are looked for in different ways."""
    store = opened(path, few=few)
    # They end in another order than that in which they were submitted, in several spans.
    changes = [ended(submitted(n, at=THEN + n * 3), took=float(n * 17 % 41)) for n in range(1, 41)]
    store.write(changes)
    every = list(store.entries())
    times = sorted(entry.record(["completed"])["completed"] for entry in every)
    for state in ("done", {"$in": ["done", "failed"]}):
        for name, inside in (("$gte", slice(20, None)), ("$lt", slice(None, 20))):
            found = store.search({"state": state, "completed": {name: times[20]}}, limit=5, skip=skip)
            wanted = [entry for entry in every if entry.record(["completed"])["completed"] in times[inside]]
            assert [entry.task for entry in found] == [entry.task for entry in wanted][skip : skip + 5]
    within = {"state": "done", "completed": {"$gt": times[5], "$lte": times[9]}}
    assert {entry.record(["completed"])["completed"] for entry in store.search(within, limit=9)} == {*times[6:10]}
    store.close()


def test_a_file_of_before_there_were_spans_is_read_and_gets_them(path: Path) -> None:
    store = opened(path, few=0)
    store.write([ended(submitted(n)) for n in range(1, 31)])
    store.close()
    with sqlite3.connect(path) as connection:
        [(before,)] = connection.execute("SELECT count(*) FROM engineroom_spans")
        connection.execute("DROP TABLE engineroom_spans")
    connection.close()
    query = {"state": "done", "completed": {"$gt": 0}}
    for how in ({"read_only": True}, {}):
        store = opened(path, few=0, **how)
        assert [entry.task for entry in store.search(query, limit=3)] == [submitted(n).task for n in (1, 2, 3)]
        store.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM engineroom_spans").fetchone() == (before,)
    connection.close()


def test_spans_go_with_their_tasks(path: Path) -> None:
    store = opened(path, limits=Limits(records=64))
    for first in range(1, 1001, 100):
        store.write([ended(submitted(n, at=THEN + n)) for n in range(first, first + 100)])
    store.close()
    with sqlite3.connect(path) as connection:
        [(left,)] = connection.execute("SELECT count(*) FROM engineroom_spans")
    connection.close()
    assert left <= 64 / 4 + 3
