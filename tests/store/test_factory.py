"""Stores, made of options."""

from __future__ import annotations

from pathlib import Path

import pytest

from engineroom.store.config import DictStore, NoDatabase, OwnStore, SQLiteFile
from engineroom.store.factory import create_store
from engineroom.store.interface import StoreUnusable
from tests.store.tasks import ended, submitted


def test_a_file_without_a_table_has_one_for_each_life_of_a_cluster(tmp_path: Path) -> None:
    config = SQLiteFile(str(tmp_path / "tasks.db"))
    for life, number, known in (("one", 1, [1]), ("two", 2, [2]), ("one", 3, [1, 3])):
        store = create_store(config, life=life)
        store.open()
        store.write([ended(submitted(number))])
        assert [record["number"] for record in store.find({}, "number")] == known
        store.close()


def test_a_table_with_a_name_goes_on_from_one_life_to_the_next(tmp_path: Path) -> None:
    for life, count in (("one", 1), ("two", 2)):
        store = create_store(SQLiteFile(str(tmp_path / "tasks.db"), "tasks"), life=life)
        store.open()
        store.write([ended(submitted(count))])
        assert store.count() == count
        store.close()


def test_memory_and_none() -> None:
    for config, count in ((DictStore(record_limit=2, cull_fraction=0.0), 2), (NoDatabase(), 0)):
        store = create_store(config, life="x")
        store.open()
        for number in (1, 2, 3):
            store.write([ended(submitted(number))])
        assert store.count() == count


def test_a_store_of_the_users_own(tmp_path: Path) -> None:
    said: list[str] = []
    store = create_store(OwnStore("tests.store.conftest.ListStore"), life="x", report=said.append)
    store.open()
    store.write([ended(submitted(1))])
    assert store.find({}, "number")[0]["number"] == 1
    assert said == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere.Shelf", "IPController.db_class: nowhere.Shelf can't be used: ModuleNotFoundError"),
        ("tests.store.conftest.Nothing", "can't be used: AttributeError"),
        ("builtins.dict", "builtins.dict is not derived from engineroom.store.interface.Store"),
    ],
)
def test_what_is_no_store_of_the_users_own(path: str, words: str) -> None:
    with pytest.raises(StoreUnusable, match=words):
        create_store(OwnStore(path), life="x")
