"""Stores, made of what options say."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from pathlib import Path

from engineroom.machine.own_modules import stay_importable
from engineroom.machine.shared_memory.room import share
from engineroom.store.changes import Submitted
from engineroom.store.config import DictStore, MongoServer, NoDatabase, OwnStore, SQLiteFile, StoreConfig
from engineroom.store.entry import Entry
from engineroom.store.interface import Store, StoreUnusable
from engineroom.store.memory import MemoryStore
from engineroom.store.none import NoStore


def create_store(
    config: StoreConfig,
    *,
    life: str,
    cluster: str = "",
    report: Callable[[str], None] = lambda _: None,
    unfinished: Callable[[], Iterable[Submitted | Entry]] = tuple,
) -> Store:
    """Return the store that `config` describes, not opened yet. StoreUnusable: there is none.

    `life`: tells this life of the cluster from others: a restarted controller has the same, a new cluster another.
    `cluster`: tells ours from others that may use the same file, in all its lives. `report`: called with words for
    people, by any thread, when something is not kept any more, and when it is again. `unfinished`: see MemoryStore.
    """
    match config:
        case DictStore(records, size, fraction):
            size = share(size) if size == DictStore().size_limit else size
            return MemoryStore(record_limit=records, size_limit=size, cull_fraction=fraction, unfinished=unfinished)
        case NoDatabase():
            return NoStore()
        case SQLiteFile():
            return _sqlite(config, life, cluster, report)
        case MongoServer():
            return _mongo(config, life, cluster, report)
        case OwnStore(path, places):
            return _own(path, places, report)


def _sqlite(config: SQLiteFile, life: str, cluster: str, report: Callable[[str], None]) -> Store:
    # These are loaded where they are used: the controller is to start quickly.
    from engineroom.store.sheltered import ShelteredStore
    from engineroom.store.sqlite.retention import Limits
    from engineroom.store.sqlite.store import SQLiteStore

    limits = Limits(config.record_limit, config.size_limit, config.age_limit)
    store = SQLiteStore(
        Path(config.path),
        config.table or life,
        life=not config.table,
        limits=limits,
        report=report,
        cluster=cluster,
    )
    return ShelteredStore(store, report, may_begin_without=True)


def _mongo(config: MongoServer, life: str, cluster: str, report: Callable[[str], None]) -> Store:
    from engineroom.store.mongo.store import MongoStore
    from engineroom.store.sheltered import ShelteredStore

    store = MongoStore(
        config.connection_args,
        config.connection_kwargs,
        config.database,
        life=life,
        cluster=cluster,
        record_limit=config.record_limit,
        age_limit=config.age_limit,
    )
    return ShelteredStore(store, report, may_begin_without=False)


def _own(path: str, places: Iterable[str], report: Callable[[str], None]) -> Store:
    """Return a store of the user's own; a class that needs no arguments."""
    from engineroom.store.sheltered import ShelteredStore

    stay_importable(places)
    module, _, name = path.rpartition(".")
    try:
        made = getattr(importlib.import_module(module), name)()
    except Exception as error:
        raise StoreUnusable(f"IPController.db_class: {path} can't be used: {type(error).__name__}: {error}") from error
    if not isinstance(made, Store):
        raise StoreUnusable(f"IPController.db_class: {path} is not derived from engineroom.store.interface.Store")
    return ShelteredStore(made, report, may_begin_without=False)
