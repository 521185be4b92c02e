"""`ipcluster tasks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engineroom.client.client import Client


def main(argv: Sequence[str]) -> int:
    """List the recorded tasks that the options select, or show the one that is named."""
    from engineroom.cli.records.asking import client_for, query_of
    from engineroom.cli.records.shown import KEYS, as_table, json_lines, write_csv
    from engineroom.settings.option import OptionError
    from engineroom.settings.reading import read_application
    from engineroom.settings.records import IPClusterTasks

    app = read_application(IPClusterTasks, argv)
    if len(app.arguments) > 1:
        raise OptionError(f"expected one task, got {len(app.arguments)}: {' '.join(app.arguments)}")
    query, all_keys = query_of(app), None if app.output_format == "json" else KEYS
    with client_for(app) as client:
        if app.arguments:
            return _show(client, app.arguments[0], as_json=app.output_format == "json")
        records = client.db_query(query, all_keys, sort="-submitted", limit=app.limit or None)
    if app.output_format == "json":
        for line in json_lines(records):
            print(line)
    elif app.output_format == "csv":
        write_csv(records)
    else:
        print("\n".join(as_table(records)) if records else "no tasks")
    return 0


def _show(client: Client, name: str, *, as_json: bool) -> int:
    from engineroom.cli.records.shown import json_lines, whole
    from engineroom.errors import EngineroomError, RemoteError

    records = client.db_query({"msg_id": name})
    if not records:
        raise EngineroomError(f"no task {name} is recorded. To list the recorded tasks, run `ipcluster tasks`")
    [record] = records
    if as_json:
        print(*json_lines(records))
        return 0
    traceback = ""
    if record["state"] == "failed":
        error = client.get_result(name).exception()
        traceback = error.traceback if isinstance(error, RemoteError) else ""
    print("\n".join(whole(record, traceback)))
    return 0
