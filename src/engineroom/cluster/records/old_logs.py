"""Which logs in a profile's directory are of which cluster, and which of them nobody needs any more.

A log is called PROGRAM.log, PROGRAM-ID.log or PROGRAM-ID-PART.log; ID and PART may have dashes.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from uuid import uuid4

from engineroom.machine.logs import last_written

KEPT_CLUSTERS = 5
"""Clusters with random ids whose logs are kept after their end, the last ones."""

FORGOTTEN = 14 * 24 * 3600.0
"""Seconds after which the logs of these go as well."""

_PROGRAMS = ("ipcluster", "ipcontroller", "ipengine", "ipengines", "steps")
_RANDOM = re.compile(r"(?:ipcluster|ipcontroller|ipengines?|steps)-(?P<id>(?=[0-9]*[a-f])[0-9a-f]{8})[-.]")
_SAYS_ID = re.compile(r"(?:ipcontroller-(?P<one>.+)\.log|steps-(?P<other>.+)\.jsonl)(?:\.\d+)?")
_WITHOUT_ID = re.compile(r"(?:ipcluster|ipcontroller)\.log.*|steps\.jsonl.*|ipengines?-\d+\.log.*")
_BY_PROCESS = re.compile(r"(?:ipengine|ipcluster)-.+-(?P<pid>\d+)(?:-\d+)?\.log.*")
"""Logs of processes that were started by hand, or by a host of engines alone: HOST-PID is their part."""


def random_id() -> str:
    """Return a new cluster id, which nobody would mistake for a date: the logs of such ids do not stay for long."""
    found = uuid4().hex[:8]
    return found if not found.isdigit() else random_id()


def of_cluster(directory: Path, cluster_id: str, others: Iterable[str] = ()) -> Iterator[Path]:
    """Yield the logs that are certainly of a cluster. `others`: further ids, which may begin as this one does."""
    longer = [each for each in others if each.startswith(f"{cluster_id}-")]
    for path in _listed(directory):
        if _belongs(path.name, cluster_id) and not any(_belongs(path.name, each) for each in longer):
            yield path


def ended(directory: Path, *, living: Collection[str]) -> list[Path]:
    """Return the logs of all clusters but those whose ids are in `living`, and but those of processes that run."""
    paths = _listed(directory)
    found = [match for match in (_SAYS_ID.fullmatch(path.name) for path in paths) if match]
    known = {match["one"] or match["other"] for match in found}
    kept = {path for each in living for path in of_cluster(directory, each, known - set(living))}
    of_known = {path for each in known for path in of_cluster(directory, each)}
    gone = {path for each in known - set(living) for path in of_cluster(directory, each, known)}
    if "" not in living:
        gone.update(of_cluster(directory, ""))
        unclear = [path for path in paths if path not in of_known and _BY_PROCESS.fullmatch(path.name)]
        gone.update(path for path in unclear if _is_of_here(path) or last_written(path) < time.time() - FORGOTTEN)
    return sorted(path for path in gone - kept if not (_is_of_here(path) and _writer_runs(path)))


def forget(directory: Path, *, living: Collection[str]) -> None:
    """Remove the logs of ended clusters with random ids, but for the last few and not for long."""
    now = time.time()
    newest: dict[str, float] = {}
    paths: dict[str, list[Path]] = {}
    for path in _listed(directory):
        match = _RANDOM.match(path.name)
        if match and match["id"] not in living:
            paths.setdefault(match["id"], []).append(path)
            newest[match["id"]] = max(newest.get(match["id"], 0.0), last_written(path))
    for number, cluster_id in enumerate(sorted(newest, key=newest.__getitem__, reverse=True)):
        if number >= KEPT_CLUSTERS or newest[cluster_id] < now - FORGOTTEN:
            for path in paths[cluster_id]:
                path.unlink(missing_ok=True)


def _listed(directory: Path) -> list[Path]:
    """Return the logs in `directory`: there may be no such directory any more, or somebody else who tidies up, too."""
    with contextlib.suppress(OSError):
        return sorted(path for path in directory.iterdir() if path.name.startswith(_PROGRAMS))
    return []


def _belongs(name: str, cluster_id: str) -> bool:
    if cluster_id:
        whole = tuple(f"{program}-{cluster_id}." for program in ("ipcluster", "ipcontroller", "steps"))
        parts = tuple(f"{program}-{cluster_id}-" for program in ("ipcluster", "ipengine", "ipengines"))
        return name.startswith((*whole, *parts))
    return _WITHOUT_ID.fullmatch(name) is not None and not _RANDOM.match(name)


def _is_of_here(path: Path) -> bool:
    """Whether a process of this machine, and no other, writes that log."""
    match = _BY_PROCESS.fullmatch(path.name)
    return match is not None and f"-{socket.gethostname()}-{match['pid']}" in path.name


def _writer_runs(path: Path) -> bool:
    match = _BY_PROCESS.fullmatch(path.name)
    assert match is not None
    try:
        os.kill(int(match["pid"]), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # somebody else's
    return True
