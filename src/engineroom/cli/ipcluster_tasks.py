"""`ipcluster tasks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engineroom.cli.records.asking import RecordsInCluster
    from engineroom.cli.records.in_file import RecordsInFile


def main(argv: Sequence[str]) -> int:
    """List the recorded tasks that the options select, or show the one that is named."""
    from engineroom.cli.records.asking import query_of, records_for
    from engineroom.cli.records.shown import KEYS
    from engineroom.settings.option import OptionError
    from engineroom.settings.reading import read_application
    from engineroom.settings.records import IPClusterTasks

    app = read_application(IPClusterTasks, argv)
    if len(app.arguments) > 1:
        raise OptionError(f"expected one task, got {len(app.arguments)}: {' '.join(app.arguments)}")
    query, keys = query_of(app), None if app.output_format == "json" else KEYS
    with records_for(app) as records:
        if app.arguments:
            _show_one(records, app.arguments[0], app.output_format)
        else:
            _show(records.db_query(query, keys, sort="-submitted", limit=app.limit or None), app.output_format)
    return 0


def _show(records: list[dict[str, Any]], output_format: str) -> None:
    from engineroom.cli.records.shown import as_table, json_lines, write_csv

    if output_format == "json":
        for line in json_lines(records):
            print(line)
    elif output_format == "csv":
        write_csv(records)
    else:
        print("\n".join(as_table(records)) if records else "no tasks")


def _show_one(records: RecordsInCluster | RecordsInFile, name: str, output_format: str) -> None:
    from engineroom.cli.records.shown import whole
    from engineroom.errors import EngineroomError

    found = records.db_query({"msg_id": name})
    if not found:
        raise EngineroomError(f"no task {name} is recorded. To list the recorded tasks, run `ipcluster tasks`")
    if output_format != "text":
        _show(found, output_format)
        return
    [record] = found
    print("\n".join(whole(record, records.traceback_of(name) if record["state"] == "failed" else "")))
