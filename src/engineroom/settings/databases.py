"""The options of databases: where a controller keeps its tasks, and how many of them."""

from __future__ import annotations

from typing import Any

from traitlets import Dict, Int, List, Unicode
from traitlets.config import Configurable

from engineroom.settings.amount_traits import Float, Size
from engineroom.settings.option import option

_ANY = "0: no limit"


class DictDB(Configurable):
    """Finished tasks in the controller's memory, the latest ones. This is the default."""

    record_limit = option(
        Int(1024, min=1, help="Number of finished tasks to keep. Beyond it, the oldest ones are forgotten.")
    )
    size_limit = option(
        Size(128 << 20, help="Bytes that finished tasks may take in memory, as a number or as text such as '2GiB'.")
    )
    cull_fraction = option(
        Float(0.1, min=0.0, max=1.0, help="Fraction of the finished tasks to forget when a limit is reached.")
    )


class SQLiteDB(Configurable):
    """All tasks in a file, which outlives the controller."""

    filename = option(Unicode("tasks.db", help="Name of the database file."))
    location = option(Unicode("", help="Directory of the database file (default: the profile's directory)."))
    table = option(
        Unicode(
            "",
            help="Table for the tasks. Name one to keep all tasks of successive clusters together (default: a new "
            "table for each cluster that you start).",
        )
    )
    record_limit = option(
        Int(1_000_000, min=0, help=f"Number of finished tasks to keep; the oldest ones are deleted ({_ANY}).")
    )
    size_limit = option(
        Size(4 << 30, help=f"Bytes that tasks may take in the file, as a number or as text such as '2GiB' ({_ANY}).")
    )
    age_limit = option(Float(0.0, min=0.0, help=f"Days to keep a task after it has finished ({_ANY})."))


class MongoDB(Configurable):
    """All tasks in a MongoDB server. This needs pymongo: `pip install engineroom[mongo]`."""

    database = option(Unicode("ipython-tasks", help="Name of the database on the server."))
    connection_args: List[Any] = option(
        List(help="Positional arguments for pymongo.MongoClient, such as ['mongodb://host:27017'].")
    )
    connection_kwargs = option(Dict(help="Keyword arguments for pymongo.MongoClient, such as {'tls': True}."))
    record_limit = option(
        Int(1_000_000, min=0, help=f"Number of finished tasks to keep; the oldest ones are deleted ({_ANY}).")
    )
    age_limit = option(Float(0.0, min=0.0, help=f"Days to keep a task after it has finished ({_ANY})."))


DATABASES = (DictDB, SQLiteDB, MongoDB)
