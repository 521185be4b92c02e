"""What a controller is told of its database: the options of the one that is chosen."""

from __future__ import annotations

from typing import Any

import msgspec

from engineroom.machine.homes import expanded
from engineroom.machine.own_modules import places_for
from engineroom.settings.controller import IPController
from engineroom.settings.databases import DictDB, MongoDB, SQLiteDB
from engineroom.settings.option import OptionError, configured
from engineroom.store.config import DictStore, MongoServer, NoDatabase, OwnStore, SQLiteFile, StoreConfig

_DAY = 86_400.0


def store_config(options: IPController) -> StoreConfig:
    """Return what the controller needs to know of its database; OptionError: an option makes no sense."""
    profile, config = options.profile_directory.path, options.config
    match options.db_class:
        case "DictDB":
            its = configured(DictDB, config)
            return DictStore(its.record_limit, its.size_limit or 1 << 62, its.cull_fraction)
        case "SQLiteDB":
            file = configured(SQLiteDB, config)
            directory = expanded(file.location).absolute() if file.location else profile
            if not file.filename or "\0" in file.filename:
                raise OptionError(f"SQLiteDB.filename must be the name of a file, not {file.filename!r}")
            path = str(directory / expanded(file.filename))
            return SQLiteFile(path, file.table, file.record_limit, file.size_limit, file.age_limit * _DAY)
        case "MongoDB":
            server = configured(MongoDB, config)
            return MongoServer(
                _plain("connection_args", list(server.connection_args)),
                _plain("connection_kwargs", dict(server.connection_kwargs)),
                server.database,
                server.record_limit,
                server.age_limit * _DAY,
            )
        case "NoDB":
            return NoDatabase()
        case path:
            return OwnStore(path, places_for(profile))


def _plain(name: str, value: Any) -> Any:
    """Return what another process can be told; OptionError: `value` is not that."""
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError, msgspec.MsgspecError):
        raise OptionError(
            f"MongoDB.{name} must have numbers, texts, lists and dicts alone, not {value!r}: the controller is another "
            "process"
        ) from None
