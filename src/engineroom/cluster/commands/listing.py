"""How `ipcluster list` shows clusters: as a table for people, as JSON for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engineroom.cluster.finding.registry import Found
from engineroom.cluster.records.pid_records import Holder
from engineroom.machine.columns import in_columns
from engineroom.settings.launcher_kinds import ENGINE, KINDS
from engineroom.trail.first_failure import clock

_COLUMNS = ("PROFILE", "CLUSTER ID", "RUNNING", "ENGINES", "LAUNCHER", "AGE", "PID", "STARTED IN")

_PATHS = (_COLUMNS.index("STARTED IN"), _COLUMNS.index("PROFILE"))
"""Columns that may be long, the least important first."""

_LAUNCHER = _COLUMNS.index("LAUNCHER")

_LEAST = 10
"""Characters that stay of a path."""

_CLASSES = {name.lower(): kind.classes[ENGINE] for name, kind in KINDS.items()}


def as_values(found: Found) -> dict[str, Any]:
    """Return a cluster as JSON values: what its cluster file says, and what else is known."""
    profile_dir = None if found.profile is None else str(found.profile.path)
    values = found.values or {
        "cluster": {"cluster_id": found.cluster_id, "profile_dir": profile_dir},
        "controller": {"state": {} if found.record is None else {"pid": found.record.pid}},
        "engines": {"sets": {}},
    }
    return {
        **values,
        "profile": "" if found.profile is None else found.profile.name,
        "profile_dir": profile_dir,
        "cluster_id": found.cluster_id,
        "running": _running(found),
        "n_engines": found.engines,
        "launcher": _launcher(found),
        "pid": None if found.record is None else found.record.pid,
        "started_in": found.directory or None,
        "started": found.since or None,
        "cluster_file": str(found.profile.cluster_file(found.cluster_id)) if found.profile and found.values else None,
    }


def as_table(clusters: Iterable[Found], width: int | None = None) -> list[str]:
    """Return clusters as lines of text, below a heading. `width`: characters of a line, in which long paths are cut."""
    now = time.time()
    rows = [_COLUMNS, *(_row(found, now) for found in clusters)]
    if _over(rows, width) > 0:
        rows = [_changed(row, _LAUNCHER, row[_LAUNCHER].removesuffix("EngineSetLauncher")) for row in rows]
    for column in _PATHS:
        most = max(_LEAST, _widths(rows)[column] - max(0, _over(rows, width)))
        rows = [_changed(row, column, _end_of(row[column], most)) for row in rows]
    return in_columns(rows)


def _over(rows: Sequence[tuple[str, ...]], width: int | None) -> int:
    """Return by how many characters the table is too wide."""
    widths = _widths(rows)
    return sum(widths) + 2 * (len(widths) - 1) - (width or sys.maxsize)


def _changed(row: tuple[str, ...], column: int, cell: str) -> tuple[str, ...]:
    return (*row[:column], cell, *row[column + 1 :])


def _widths(rows: Iterable[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _end_of(cell: str, most: int) -> str:
    return cell if len(cell) <= most else f"\N{HORIZONTAL ELLIPSIS}{cell[1 - most :]}"


def remarks(clusters: Iterable[Found]) -> list[str]:
    """Return, in sentences, what the table does not say: which clusters nobody can find any more, and what to do."""
    clusters = list(clusters)
    return [*_stopped(clusters), *_restarted(clusters), *_lost(clusters)]


def _stopped(clusters: Iterable[Found]) -> list[str]:
    found = {found.cluster_id or "''": found.stopped_pids() for found in clusters if found.holder is Holder.RUNNING}
    words = [
        f"Cluster {id_} does not answer: its {what} (process {pid}) is stopped, by SIGSTOP or Ctrl-Z. To continue it, "
        f"run `kill -CONT {pid}`."
        for id_, stopped in found.items()
        for what, pid in stopped.items()
    ]
    return ["", *words] if words else []


def _restarted(clusters: Iterable[Found]) -> list[str]:
    words = []
    for found in clusters:
        state = found.values["controller"]["state"] if found.holder is Holder.RUNNING and found.values else {}
        if end := state.get("last_end"):
            which, when = found.cluster_id or "''", clock(end["at"])
            words.append(f"The controller of cluster {which} {_how_often(state)} at {when}: {end['words']}.")
    return ["", *words] if words else []


def _how_often(state: Mapping[str, Any]) -> str:
    times = state.get("restarts", 0)
    if "port" not in state:
        return "is being restarted, since its death"
    return "was restarted once," if times == 1 else f"was restarted {times} times, last"


def _lost(clusters: Iterable[Found]) -> list[str]:
    lost = [found.command("ipcluster stop") for found in clusters if found.lost]
    if not lost:
        return []
    its, it = ("its", "it") if len(lost) == 1 else ("their", "them")
    which = "this cluster" if len(lost) == 1 else f"{len(lost)} of these clusters"
    words = f"No new client can find {which}, because {its} files have been removed. To stop {it}:"
    return ["", words, *(f"  {command}" for command in lost)]


def _row(found: Found, now: float) -> tuple[str, ...]:
    running = _running(found)
    return (
        "?" if found.profile is None else found.profile.name or str(found.profile.path),
        found.cluster_id or "''",
        "elsewhere" if running is None else str(running),
        str(found.engines),
        _launcher(found),
        _age(now - found.since) if found.since and found.may_run else "-",
        "-" if found.record is None else str(found.record.pid),
        found.directory or (found.record.host if found.record is not None and running is None else "-"),
    )


def _running(found: Found) -> bool | None:
    """Return whether it runs, None if that can't be said from here."""
    return None if found.holder is Holder.ELSEWHERE else found.holder is Holder.RUNNING


def _launcher(found: Found) -> str:
    """Return the class of what starts the engines."""
    if not found.values:
        return "ipcontroller"
    name = str(found.values["engines"]["class"])
    return _CLASSES.get(name, name.rpartition(".")[2])


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
