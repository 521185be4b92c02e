"""Who answers a question about records, and what the options of the question mean."""

from __future__ import annotations

import datetime as dt
import re
from types import TracebackType
from typing import Any, Self

from engineroom.cli.expected import client_for
from engineroom.cli.records.in_file import RecordsInFile, ids_in_file, records_in_file
from engineroom.client.client import Client
from engineroom.errors import ConnectionFailed, ConnectionFileError, EngineroomError, RemoteError
from engineroom.settings.cluster import Asking
from engineroom.settings.option import OptionError
from engineroom.settings.records import IPClusterTasks

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([smhdw])\s*")


class RecordsInCluster:
    """What a client of a running cluster is told of its tasks."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.db_query, self.audit = client.db_query, client.audit

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def traceback_of(self, name: str) -> str:
        """Return the traceback of the error with which a task ended, "" if there is none."""
        error = self._client.get_result(name).exception()
        return error.traceback if isinstance(error, RemoteError) else ""


def records_for(app: Asking) -> RecordsInCluster | RecordsInFile:
    """Return the records of the cluster that the options name: from its controller, or else from its file."""
    if (found := records_in_file(app)) is not None:
        return found
    try:
        return RecordsInCluster(client_for(app))
    except (ConnectionFailed, ConnectionFileError) as error:
        # Of a controller elsewhere, that it has ended is seen only now.
        if (found := records_in_file(app, answers=False)) is not None:
            return found
        if not (others := ids_in_file(app)):
            raise
        raise EngineroomError(f"{error}. {others}") from error


def query_of(app: IPClusterTasks) -> dict[str, Any]:
    """Return the query that the options stand for. OptionError: `--since` is no time."""
    query: dict[str, Any] = {}
    if app.state:
        query["state"] = app.state
    if app.engine is not None:
        query["engine_id"] = app.engine
    if app.label:
        query["label"] = app.label
    if app.since:
        query["submitted"] = {"$gte": since(app.since, dt.datetime.now(dt.UTC))}
    return query


def since(text: str, now: dt.datetime) -> dt.datetime:
    """Return the time that `text` names: an age such as "1h", or a date."""
    found = _AGE.fullmatch(text.lower())
    try:
        if found is not None:
            return now - dt.timedelta(seconds=float(found[1]) * _UNITS[found[2]])
        date = dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise OptionError(
            f"--since={text}: expected an age such as 30s, 10m, 2h or 1d, or a date such as 2026-01-31T12:00"
        ) from None
    return date if date.tzinfo is not None else date.astimezone()
