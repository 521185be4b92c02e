"""What docs/databases.md shows works as it is written."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from traitlets.config import Config

from engineroom.cluster.plan.databases import store_config
from engineroom.settings.controller import IPController
from engineroom.settings.profiles import Profile
from engineroom.settings.reading import read_application
from engineroom.store.config import DictStore, MongoServer, OwnStore, SQLiteFile, StoreConfig
from engineroom.store.factory import create_store
from engineroom.store.memory import MemoryStore
from engineroom.store.records import KEYS
from tests.documented import DOCS, blocks
from tests.store.tasks import ended, purged, submitted

SHOWN = blocks("databases.md", "python")


def told(tmp_path: Path, text: str) -> StoreConfig:
    profile = Profile(tmp_path / "profile_x")
    profile.prepare()
    (profile.path / "ipcontroller_config.py").write_text(text)
    return store_config(read_application(IPController, [f"--profile-dir={profile.path}"]))


def test_options_in_files(tmp_path: Path) -> None:
    assert isinstance(told(tmp_path, SHOWN["choose-a-database"]), SQLiteFile)
    assert told(tmp_path, SHOWN["in-memory"]) == DictStore(100_000, 2 << 30, 0.1)
    assert told(tmp_path, SHOWN["in-a-file"]) == SQLiteFile(
        "/path/to/directory/tasks.db", "tasks", 1_000_000, 4 << 30, 30 * 86_400.0
    )
    assert told(tmp_path, SHOWN["in-mongodb"]) == MongoServer(
        ["mongodb://db.example.com:27017"], {"tls": True}, "tasks"
    )


def test_what_is_said_of_defaults() -> None:
    default = store_config(IPController(config=Config()))
    assert default == DictStore(1024, 128 << 20, 0.1)


def test_a_query() -> None:
    store = MemoryStore()
    store.write([ended(submitted(1), engine=3), ended(submitted(2), engine=2)])
    query = eval(SHOWN["a-query"], {"yesterday": datetime(2001, 1, 1)})  # noqa: DTZ001 -- as users write it
    assert [record["number"] for record in store.find(query, "number")] == [1]


def test_every_key_of_a_record_is_told_of() -> None:
    text = (DOCS / "databases.md").read_text()
    assert [key for key in KEYS if f"`{key}`" not in text] == []


def test_a_store_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_store.py").write_text(SHOWN["my_store"])
    monkeypatch.syspath_prepend(str(tmp_path))
    config = told(tmp_path, SHOWN["choose-my-store"])
    assert isinstance(config, OwnStore)
    store = create_store(OwnStore(config.path), life="one")
    store.open()
    store.write([submitted(1), ended(submitted(2)), ended(submitted(3)), *purged(submitted(3))])
    assert [(record["number"], record["state"]) for record in store.find({}, ["number", "state"])] == [
        (1, "waiting"),
        (2, "done"),
    ]
    store.close()
