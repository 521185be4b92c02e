"""Stopping a cluster from another process: asked first, signalled only if it certainly is the one."""

from __future__ import annotations

import socket
from typing import Any

from engineroom.cluster.clearing.left_jobs import cancel_left_jobs
from engineroom.cluster.line.dialling import dial_host
from engineroom.cluster.line.messages import Answered, Stop, line_of, read_report
from engineroom.cluster.records import cluster_file
from engineroom.cluster.records.cluster_file import NoCluster
from engineroom.cluster.records.leftovers import control_socket, sweep
from engineroom.cluster.records.pid_records import ALREADY_STOPPED, Holder, holder, read
from engineroom.errors import ConnectionFailed, ConnectionFileError, LaunchError
from engineroom.machine.lines import Lines
from engineroom.machine.processes import ProcessRecord
from engineroom.settings.profiles import Profile
from engineroom.trail.stops import BY_COMMAND

_PATIENCE = 2.0
"""Seconds for a host to say that all has ended, after the last moment for that."""


class NothingToStop(LaunchError):
    """No such cluster runs."""

    code = ALREADY_STOPPED


def stop(profile: Profile, cluster_id: str, *, seconds: float) -> str:
    """Stop a cluster; return, in words, what was stopped. It has `seconds` to end before it is killed.

    NothingToStop: it does not run. LaunchError: it can't be stopped from here.
    """
    try:
        words = _stop(profile, cluster_id, seconds)
    except LaunchError:
        jobs = cancel_left_jobs(profile, cluster_id)
        if not jobs:
            raise
        words = f"stopped {_name(cluster_id)}"
    else:
        jobs = cancel_left_jobs(profile, cluster_id)
    return "; ".join([words, *jobs])


def _name(cluster_id: str) -> str:
    return f"cluster {cluster_id!r}" if cluster_id else "the cluster"


def _stop(profile: Profile, cluster_id: str, seconds: float) -> str:
    name = _name(cluster_id)
    for program in ("ipcluster", "ipcontroller"):
        path = profile.pid_file(program, cluster_id)
        record = read(path)
        match holder(record):
            case Holder.RUNNING:
                assert record is not None
                _stop_here(profile, cluster_id, program, record, seconds)
                return f"stopped {name} ({program}, pid {record.pid})"
            case Holder.ELSEWHERE:
                assert record is not None
                _stop_elsewhere(profile, cluster_id, record, seconds, f"{program} of {path}")
                return f"stopped {name} ({program}, on {record.host})"
            case Holder.NOBODY | Holder.ENDED:
                continue
    if _ask_host(profile, cluster_id, seconds):
        return f"stopped {name}, whose pid file was gone"
    records = [read(profile.pid_file(program, cluster_id)) for program in ("ipcluster", "ipcontroller")]
    removed = sweep(profile, cluster_id)
    from engineroom.cluster.finding.registry import running_commands  # for those who mean another one

    others = running_commands("ipcluster stop", profile)
    raise NothingToStop(
        f"{name} is not running{_remains(records[0] or records[1])}{_removed(removed)}{others and f'. {others}'}"
    )


def _remains(record: ProcessRecord | None) -> str:
    if record is None:
        return ""
    again = ProcessRecord.of(record.pid) is not None
    return f": its process {record.pid} has ended{', and that pid belongs to another process now' if again else ''}"


def _removed(paths: list[Any]) -> str:
    return f" (removed its leftovers: {', '.join(path.name for path in paths)})" if paths else ""


def _stop_here(profile: Profile, cluster_id: str, program: str, record: ProcessRecord, seconds: float) -> None:
    asked = False
    if program == "ipcluster":
        asked = _ask_host(profile, cluster_id, seconds)
    if not asked:
        from engineroom.cluster.clearing.last_resorts import ask_then_signal  # slow to import, and seldom needed

        ask_then_signal(profile, cluster_id, record, seconds=seconds)
    sweep(profile, cluster_id)


def _own_seconds(profile: Profile, cluster_id: str) -> float:
    """Return how long the host may take by its own plan, which is longer where jobs have to be cancelled."""
    try:
        return cluster_file.stop_timeout_in(cluster_file.read(profile.cluster_file(cluster_id))) + _PATIENCE
    except NoCluster:
        return 0.0  # it has not written its file yet


def _ask_host(profile: Profile, cluster_id: str, seconds: float) -> bool:
    """Return whether a host was there, and said that everything is stopped, or hung up because it was."""
    try:
        sock = dial_host(str(control_socket(profile, cluster_id)))
    except OSError:
        return False
    with sock:
        sock.settimeout(max(seconds, _own_seconds(profile, cluster_id)))
        try:
            sock.sendall(line_of(Stop(number=1, reason=BY_COMMAND)))
            return _is_done(sock)
        except OSError:
            return False


def _is_done(sock: socket.socket) -> bool:
    lines = Lines()
    while data := sock.recv(65536):
        for line in lines.take(data):
            report = read_report(line)
            if isinstance(report, Answered):
                return not report.error
    return True


def _stop_elsewhere(profile: Profile, cluster_id: str, record: ProcessRecord, seconds: float, what: str) -> None:
    from engineroom.cluster.clearing.last_resorts import ask_to_end  # slow to import, and seldom needed

    try:
        ask_to_end(profile, cluster_id, seconds=seconds)
    except (ConnectionFailed, ConnectionFileError, TimeoutError) as error:
        raise LaunchError(
            f"{what} is a process of another machine or container (pid {record.pid} on {record.host}), and its "
            f"controller can't be asked: {error}. Stop it there; if you are sure that it has ended, remove that file"
        ) from error
