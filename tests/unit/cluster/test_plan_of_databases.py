"""What a controller is told of its database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from traitlets.config import Config

from engineroom.cluster.plan.databases import store_config
from engineroom.settings.controller import IPController
from engineroom.settings.option import OptionError
from engineroom.settings.reading import read_application
from engineroom.store.config import DictStore, MongoServer, NoDatabase, OwnStore, SQLiteFile, StoreConfig


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "profile_x"


def told(profile: Path, db_class: str, **sections: dict[str, Any]) -> StoreConfig:
    config = Config({"IPController": {"db_class": db_class, "profile_dir": str(profile)}, **sections})
    made = store_config(IPController(config=config))
    assert msgspec.json.decode(msgspec.json.encode(made), type=StoreConfig) == made  # type: ignore[comparison-overlap]
    return made


def test_each_database_has_its_own_options(profile: Path) -> None:
    assert told(profile, "DictDB", DictDB={"record_limit": 5, "size_limit": "1GiB"}) == DictStore(5, 1 << 30, 0.1)
    assert told(profile, "NoDB") == NoDatabase()
    sqlite = {"table": "tasks", "record_limit": 0, "size_limit": 0, "age_limit": 2}
    assert told(profile, "SQLiteDB", SQLiteDB=sqlite) == SQLiteFile(str(profile / "tasks.db"), "tasks", 0, 0, 172_800.0)
    mongo = {"connection_args": ["mongodb://here"], "connection_kwargs": {"tls": True}, "database": "mine"}
    assert told(profile, "MongoDB", MongoDB=mongo) == MongoServer(["mongodb://here"], {"tls": True}, "mine")
    own = told(profile, "mine.Shelf")
    assert isinstance(own, OwnStore)
    assert (own.path, str(profile) in own.places) == ("mine.Shelf", True)


def test_a_file_may_be_anywhere(profile: Path, tmp_path: Path) -> None:
    assert told(profile, "SQLiteDB", SQLiteDB={"location": str(tmp_path), "filename": "x.db"}) == SQLiteFile(
        str(tmp_path / "x.db")
    )
    absolute = str(tmp_path / "y.db")
    assert told(profile, "SQLiteDB", SQLiteDB={"filename": absolute}) == SQLiteFile(absolute)


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        ("SQLiteDB", {"filename": ""}, "SQLiteDB.filename must be the name of a file, not ''"),
        ("SQLiteDB", {"size_limit": "much"}, "size_limit"),
        ("SQLiteDB", {"record_limit": -1}, "SQLiteDB.record_limit must be at least 0, not -1"),
        ("MongoDB", {"connection_kwargs": {"x": object}}, "MongoDB.connection_kwargs must have numbers, texts, lists"),
        ("MongoDB", {"connection_args": 3}, "MongoDB.connection_args must be a list"),
    ],
)
def test_options_that_make_no_sense(profile: Path, section: str, values: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        told(profile, section, **{section: values})


def test_options_of_databases_on_a_command_line(profile: Path) -> None:
    arguments = ["--sqlitedb", "--SQLiteDB.table=all tasks", "--SQLiteDB.size_limit=1MiB", f"--profile-dir={profile}"]
    made = store_config(read_application(IPController, arguments))
    assert made == SQLiteFile(str(profile / "tasks.db"), "all tasks", size_limit=1 << 20)
