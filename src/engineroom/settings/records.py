"""The options of the commands that show what is recorded of tasks."""

from __future__ import annotations

from traitlets import Bool, CaselessStrEnum, Int, Unicode

from engineroom.settings.cluster import Asking
from engineroom.settings.option import option

STATES = ("waiting", "running", "done", "failed", "aborted")


class IPClusterTasks(Asking):
    """List the recorded tasks of a cluster, newest first; with the id of a task, show all of it."""

    subcommand = "tasks"
    takes_arguments = True
    arguments_shown = "[ID]"
    first = (
        "--state=failed",
        "--since=1h",
        "--engine=3",
        "--label=fit",
        "--limit=100",
        "-o json",
        "--profile=mpi",
        "--cluster-id=second",
    )
    examples = Unicode("ipcluster tasks --state=failed --since=1h")

    state = option(
        CaselessStrEnum(STATES, None, allow_none=True, help="Only tasks in this state."),
        "state",
    )
    since = option(Unicode("", help="Only tasks submitted since then: 30s, 10m, 2h, 1d, or an ISO date."), "since")
    engine = option(Int(None, allow_none=True, min=0, help="Only tasks that ran on this engine."), "engine")
    label = option(Unicode("", help="Only tasks with this label."), "label")
    limit = option(Int(20, min=0, help="How many tasks to list at most (0: all)."), "limit")
    output_format = option(
        CaselessStrEnum(("text", "json", "csv"), "text", help="As a table, as JSON lines, or as CSV."), "o"
    )


class IPClusterAudit(Asking):
    """Check that the records of all tasks add up, that none is missing, and that none was changed."""

    subcommand = "audit"
    first = ("--json", "--profile=mpi", "--profile-dir=DIR", "--cluster-id=second", "--file=client.json")
    examples = Unicode("ipcluster audit    # exit code 0 if all is well, else 1")

    json = option(Bool(default_value=False, help="Print JSON, for programs."), "json")
    verify = option(Bool(default_value=True, help="Compare each record with its checksum."), "verify")
