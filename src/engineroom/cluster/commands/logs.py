"""The logs of a cluster's processes, side by side."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from engineroom.cluster.records import cluster_file
from engineroom.cluster.records.cluster_file import NoCluster
from engineroom.errors import LaunchError
from engineroom.machine.lines import Lines
from engineroom.machine.logs import last_written
from engineroom.settings.profiles import Profile, tail

_LOOK_EVERY = 0.2
"""Seconds between two looks for new lines."""

_PATIENCE = 3.0
_YOUNG = 30.0
"""For so many seconds from its start on a cluster may have engines that have yet to write to their logs."""


def log_files(profile: Profile, cluster_id: str, wanted: Sequence[str], patience: float = _PATIENCE) -> dict[str, Path]:
    """Return the log files of a cluster by the short name of their process; of those in `wanted`, if any.

    An engine of a cluster that was just started may have written nothing yet: it has `patience` seconds for that.
    LaunchError: there is none, or no process is called so.
    """
    end = time.monotonic() + patience
    while (start := _start_of(profile, cluster_id)) is not None and start > time.time() - _YOUNG:
        there = _there(profile, cluster_id, start)
        lacking = [name for name in map(_full_name, wanted) if name.startswith("engine-") and name not in there]
        if not lacking or time.monotonic() > end:
            break
        select.select((), (), (), _LOOK_EVERY)
    return _named(profile, wanted, _there(profile, cluster_id, start))


def _there(profile: Profile, cluster_id: str, start: float | None) -> dict[str, Path]:
    """Return the logs of a cluster that was started then; None: it does not run, and all that there are are its."""
    found = {name: path for name, path in _all(profile, cluster_id) if path.exists()}
    if start is not None:
        old = {name for name, path in found.items() if name.startswith("engine-") and last_written(path) < start}
        found = {name: path for name, path in found.items() if name not in old}
    return found


def _named(profile: Profile, wanted: Sequence[str], found: dict[str, Path]) -> dict[str, Path]:
    if not found:
        from engineroom.cluster.finding.registry import running_commands  # for those who mean another one

        others = running_commands("ipcluster logs", profile)
        raise LaunchError(f"this cluster has no logs in {profile.log_dir}{others and f'. {others}'}")
    named = {_full_name(name): name for name in wanted}
    if missing := [name for full, name in named.items() if full not in found]:
        raise LaunchError(f"no log of {missing[0]!r}; this cluster has logs of: {', '.join(found)}")
    return {name: found[name] for name in named} or found


def _full_name(name: str) -> str:
    if name.isdigit():
        return f"engine-{name}"
    return name if name in {"ipcluster", "ipcontroller"} else name.removeprefix("ip")


def _all(profile: Profile, cluster_id: str) -> Iterator[tuple[str, Path]]:
    yield "ipcluster", profile.log_file("ipcluster", cluster_id)
    yield "controller", profile.log_file("ipcontroller", cluster_id)
    prefix = f"ipengine{tail(cluster_id)}-"
    engines = (path for path in profile.log_dir.glob("ipengine*.log") if path.name.startswith(prefix))
    for path in sorted(engines, key=lambda path: (len(path.name), path.name)):
        part = path.stem.removeprefix(prefix)
        # Without a cluster id the prefix fits the engines of all others too: theirs have more parts.
        if cluster_id or part.isdigit():
            yield f"engine-{part}", path


def _start_of(profile: Profile, cluster_id: str) -> float | None:
    """Return when a running cluster was started, None if it does not run: logs from before are of another one."""
    try:
        values = cluster_file.read(profile.cluster_file(cluster_id))
    except NoCluster:
        return None
    return cluster_file.address_in(values).since


def opened(files: dict[str, Path]) -> dict[str, LogTail]:
    """Return each of `files`, opened at its beginning."""
    return {name: LogTail(path) for name, path in files.items()}


def last_lines(logs: dict[str, LogTail], count: int) -> Iterator[str]:
    """Yield a heading and the last `count` lines (0: all) of each log; `follow` goes on from there."""
    for name, log in logs.items():
        yield f"==> {name}: {log.path} <=="
        yield from deque(log.all_lines(), maxlen=count or None)
        yield ""


def follow(logs: dict[str, LogTail]) -> Iterator[str]:
    """Yield lines as they are written, each with the name of its process, for ever."""
    width = max(map(len, logs))
    while True:
        for name, log in logs.items():
            yield from (f"{name:{width}}  {line}" for line in log.new_lines())
        select.select((), (), (), _LOOK_EVERY)


class LogTail:
    """What has not been read of a log yet, also when it is rotated meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("rb")
        self._lines = Lines()

    def all_lines(self) -> Iterator[str]:
        """Yield what has been written so far, also a last line that is not complete."""
        yield from self._read()
        if rest := self._lines.rest():
            yield rest.decode(errors="replace")

    def new_lines(self) -> Iterator[str]:
        yield from self._read()
        if self._rotated():
            yield from self._read()

    def _read(self) -> Iterator[str]:
        yield from (line.decode(errors="replace") for line in self._lines.take(self._file.read()))

    def _rotated(self) -> bool:
        """Whether there is a new file, which is open now."""
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return False
        if os.fstat(self._file.fileno()).st_ino == now.st_ino:
            return False
        self._file.close()
        self._file = self.path.open("rb")
        return True
