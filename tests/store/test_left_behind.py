"""What a cluster finds of one that has ended before it: its tasks that were not done, unless it was stopped."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from engineroom.controller.recording.account import account
from engineroom.protocol.messages import Who
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.changes import Change, ClientKnown, Delivered, Sent, Stopped
from engineroom.store.interface import Damage, LeftBehind, Store, StoreTrouble
from engineroom.store.sheltered import ShelteredStore
from engineroom.store.sqlite.store import SQLiteStore
from tests.store.conftest import Make
from tests.store.tasks import ALICE, BOB, PLACES, THEN, ended, submitted


def left(store: Store) -> list[int]:
    """Return the numbers of the tasks that are to go on."""
    damaged: list[Damage] = []
    found = [int.from_bytes(entry.task[-8:]) for entry in store.left(damaged.append)]
    assert not damaged
    return found


class File:
    """A file, and the clusters that use it one after the other."""

    def __init__(self, path: Path) -> None:
        self.path, self.lives = path, 0
        self._opened: list[SQLiteStore] = []

    def life(self, *changes: Change, cluster: str = "ours", table: str = "") -> SQLiteStore:
        """Return the store of another life, closed after it has written `changes`."""
        self.lives += 1
        store = SQLiteStore(self.path, table or f"life{self.lives}", life=not table, cluster=cluster)
        store.open()
        self._opened.append(store)
        if changes:
            store.write(changes)
            store.close()
        return store

    def close(self) -> None:
        for store in self._opened:
            store.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    found = File(tmp_path / "tasks.db")
    yield found
    found.close()


SOME = (submitted(1), submitted(2), ended(submitted(2)), submitted(3), Sent(submitted(3).task, 4, PLACES[0], THEN))


def test_every_store_knows_what_was_not_done_and_whose_it_is(make: Make) -> None:
    store = make()
    store.write([*SOME, submitted(7, BOB), Delivered(TaskRanges(ALICE, ((1, 1),)))])
    assert left(store) == [3, 7]
    assert [entry.task for entry in store.undelivered(ALICE, 3)] == [submitted(2).task]


def test_what_a_client_says_of_itself_is_kept(file: File) -> None:
    alice = ClientKnown(ALICE, Who("alice", "host", 7, "analysis.py"), withdraw=True)
    file.life(submitted(1), ClientKnown(ALICE), alice)
    store = file.life()
    assert store.clients() == {ALICE: alice}
    store.close()


def test_the_next_life_goes_on_with_the_table_of_one_that_was_not_stopped(file: File) -> None:
    file.life(*SOME)
    store = file.life()
    assert store.left_behind() == LeftBehind(THEN + 3)
    assert left(store) == [1, 3]
    assert store.count() == 3
    assert store.get(submitted(2).task) is not None
    store.close()
    again = SQLiteStore(file.path, "life2", life=True, cluster="ours")  # its controller is restarted
    again.open()
    assert left(again) == [1, 3]
    again.close()
    assert file.life().count() == 3


def test_results_of_a_life_that_was_not_stopped_are_still_there_though_all_was_done(file: File) -> None:
    file.life(submitted(1), ended(submitted(1)))
    store = file.life()
    assert store.left_behind() is None
    assert store.count() == 1
    store.close()


def test_a_life_that_was_stopped_is_left_alone(file: File) -> None:
    file.life(*SOME, Stopped(THEN + 10))
    store = file.life()
    assert store.left_behind() is None
    assert left(store) == []
    assert store.count() == 0
    store.close()


def test_so_is_a_life_of_another_cluster(file: File) -> None:
    file.life(*SOME, cluster="theirs")
    store = file.life()
    assert (store.left_behind(), left(store)) == (None, [])
    store.close()
    store = file.life(cluster="theirs")
    assert left(store) == [1, 3]
    store.close()


def test_a_life_is_taken_over_once(file: File) -> None:
    file.life(*SOME)
    first = file.life()
    with pytest.raises(StoreTrouble, match="in use by the controller with pid"):
        file.life()
    first.write([Stopped(THEN + 10)])
    first.close()
    store = file.life()
    assert left(store) == []
    store.close()


def in_two_lives(file: File, *, stopped: float = 0.0) -> None:
    """Have two lives leave tasks undone, the second without knowing of the first; `stopped`: what it dropped before."""
    large, done = submitted(1, payload=bytes(10_000)), ended(submitted(2), value=bytes(10_000))
    file.life(large, done, Delivered(TaskRanges(ALICE, ((2, 2),))), ClientKnown(ALICE), cluster="theirs")
    stop = [Stopped(stopped)] if stopped else []
    file.life(submitted(5, BOB), *stop, submitted(30, BOB), ended(submitted(4, BOB)), ClientKnown(BOB))
    with sqlite3.connect(file.path) as connection:
        connection.execute("UPDATE engineroom_lives SET cluster = 'ours'")
    connection.close()


@pytest.mark.parametrize(("stopped", "todo"), [(0.0, [1, 5, 30]), (THEN + 10, [1, 30])])
def test_what_several_lives_left_undone_goes_on_together(file: File, stopped: float, todo: list[int]) -> None:
    in_two_lives(file, stopped=stopped)
    store = file.life()
    assert store.left_behind() == LeftBehind(THEN + 30)
    assert left(store) == todo
    assert sorted(store.clients()) == [ALICE, BOB]
    assert store.known_up_to() == {ALICE: 2, BOB: 30}
    first, done = store.get(submitted(1).task), store.get(submitted(2).task)
    assert first is not None
    assert done is not None
    assert b"".join(first.call_buffers()) == b"".join(done.result_buffers()) == bytes(10_000)
    assert done.delivered
    assert [each["number"] for each in store.find({"state": "done"}, "number")] == [2, 4]
    assert not list(store.damages())
    store.close()
    again = file.life()
    assert left(again) == todo
    again.write([Stopped(THEN + 40)])
    again.close()
    assert left(file.life()) == []


def test_a_table_with_a_name_is_gone_on_with_from_the_last_stop(file: File) -> None:
    file.life(*SOME, table="tasks")
    store = file.life(table="tasks")
    assert store.left_behind() is not None
    assert left(store) == [1, 3]
    store.write([Stopped(THEN + 10), submitted(20), submitted(21, at=THEN + 5)])
    store.close()
    store = file.life(table="tasks")
    assert left(store) == [20]
    store.close()


def test_a_table_with_a_name_is_not_gone_on_with_by_another_cluster(file: File) -> None:
    file.life(*SOME, table="tasks")
    other = file.life(table="tasks", cluster="theirs")
    assert other.left_behind() is None
    other.close()
    ours = file.life(table="tasks")
    assert ours.left_behind() is not None
    ours.close()


def test_what_is_damaged_is_said_and_skipped(file: File) -> None:
    file.life(*SOME)
    with sqlite3.connect(file.path) as connection:
        connection.execute("UPDATE life1 SET head = ? WHERE task = ?", (b"no", submitted(1).task))
    connection.close()
    store = file.life()
    damaged: list[Damage] = []
    assert [entry.task for entry in store.left(damaged.append)] == [submitted(3).task]
    assert [each.msg_id for each in damaged] == [submitted(1).entry().msg_id]
    assert [entry.task for entry in store.entries()] == [submitted(2).task, submitted(3).task]
    assert [each["number"] for each in store.find({"state": {"$ne": "failed"}}, "number")] == [2, 3]
    found = account(store, {ALICE: 4}, "", verify=True)
    assert [each["msg_id"] for each in found["damaged"]] == [submitted(1).entry().msg_id]
    assert [(each["first"], each["last"]) for each in found["missing"]] == [(4, 4)]
    store.close()


def test_a_payload_that_was_changed_is_not_handed_out(file: File) -> None:
    file.life(submitted(1, payload=bytes(10_000)))
    with sqlite3.connect(file.path) as connection:
        connection.execute("UPDATE engineroom_bodies SET data = ?", (b"x" * 10_000,))
    connection.close()
    store = file.life()
    [entry] = store.left(lambda _: None)
    with pytest.raises(StoreTrouble, match="does not match its checksum"):
        entry.call_buffers()
    store.close()


def test_a_file_without_what_was_added_later_is_used_on(file: File) -> None:
    file.life(*SOME)
    with sqlite3.connect(file.path) as connection:
        connection.executescript("DROP TABLE engineroom_lives; DROP TABLE engineroom_clients")
        connection.execute("ALTER TABLE engineroom_functions DROP COLUMN name")
    connection.close()
    looked = SQLiteStore(file.path, "life1", life=True, read_only=True)
    looked.open()
    assert [each["function"] for each in looked.find({}, "function")] == [None] * 3
    looked.close()
    store = file.life()
    assert (store.left_behind(), store.clients(), left(store)) == (None, {}, [])
    store.close()


def test_a_store_that_could_not_be_opened_at_first_takes_nothing_over_later(file: File) -> None:
    file.life(*SOME)
    its = SQLiteStore(file.path, "late", life=True, cluster="ours")
    store = ShelteredStore(its, lambda _: None, may_begin_without=True, clock=iter([1.0, 10.0]).__next__)
    file.path.rename(file.path.with_name("aside"))
    file.path.symlink_to(file.path.with_name("nowhere") / "nothing")
    store.open()
    with pytest.raises(StoreTrouble):
        left(store)
    file.path.unlink()
    file.path.with_name("aside").rename(file.path)
    store.write([])
    assert (store.trouble, store.left_behind(), left(store)) == ("", None, [])
    store.close()
    third = file.life()
    assert left(third) == [1, 3]
    third.close()
