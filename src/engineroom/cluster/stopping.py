"""Stopping a cluster from another process: asked first, signalled only if it certainly is the one."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import msgspec

from engineroom.cluster.launchers.process import ProcessLauncher
from engineroom.cluster.leftovers import control_socket, sweep
from engineroom.cluster.pid_records import ALREADY_STOPPED, Holder, holder, read
from engineroom.cluster.reports import Answered, Stop, line_of, read_report
from engineroom.cluster.starting import dial_host
from engineroom.errors import ConnectionFailed, ConnectionFileError, LaunchError
from engineroom.protocol.processes import ProcessRecord
from engineroom.settings.profiles import Profile


class NothingToStop(LaunchError):
    """No such cluster runs."""

    code = ALREADY_STOPPED


def stop(profile: Profile, cluster_id: str, *, seconds: float) -> str:
    """Stop a cluster; return, in words, what was stopped. It has `seconds` to end before it is killed.

    NothingToStop: it does not run. LaunchError: it can't be stopped from here.
    """
    name = f"cluster {cluster_id!r}" if cluster_id else "the cluster"
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
    records = [read(profile.pid_file(program, cluster_id)) for program in ("ipcluster", "ipcontroller")]
    removed = sweep(profile, cluster_id)
    raise NothingToStop(f"{name} does not run{_remains(records[0] or records[1])}{_removed(removed)}")


def _remains(record: ProcessRecord | None) -> str:
    if record is None:
        return ""
    again = ProcessRecord.of(record.pid) is not None
    return f": its process {record.pid} has ended{', and that pid is another process now' if again else ''}"


def _removed(paths: list[Any]) -> str:
    return f" (removed what it left: {', '.join(path.name for path in paths)})" if paths else ""


def _stop_here(profile: Profile, cluster_id: str, program: str, record: ProcessRecord, seconds: float) -> None:
    asked = False
    if program == "ipcluster":
        asked = _ask_host(str(control_socket(profile, cluster_id)), seconds)
    if not asked:
        asyncio.run(_ask_then_signal(profile, cluster_id, record, seconds))
    sweep(profile, cluster_id)


def _ask_host(path: str, seconds: float) -> bool:
    """Return whether the host at `path` said that everything is stopped, or hung up because it was."""
    try:
        sock = dial_host(path)
    except OSError:
        return False
    with sock:
        sock.settimeout(seconds)
        try:
            sock.sendall(line_of(Stop(number=1, reason="ipcluster stop")))
            return _is_done(sock)
        except OSError:
            return False


def _is_done(sock: socket.socket) -> bool:
    heard = b""
    while data := sock.recv(65536):
        *lines, heard = (heard + data).split(b"\n")
        for line in lines:
            report = read_report(line)
            if isinstance(report, Answered):
                return not report.error
    return True


async def _ask_then_signal(profile: Profile, cluster_id: str, record: ProcessRecord, seconds: float) -> None:
    launcher = ProcessLauncher()
    handle = {"process": msgspec.to_builtins(record)}
    try:
        await ask_controller(profile, cluster_id)
    except (ConnectionFailed, ConnectionFileError):
        await launcher.stop(handle)
        return
    if not await launcher.wait(handle, seconds):
        await launcher.stop(handle)


def _stop_elsewhere(profile: Profile, cluster_id: str, record: ProcessRecord, seconds: float, what: str) -> None:
    try:
        asyncio.run(asyncio.wait_for(ask_controller(profile, cluster_id), seconds))
    except (ConnectionFailed, ConnectionFileError, TimeoutError) as error:
        raise LaunchError(
            f"{what} is a process of another machine or container (pid {record.pid} on {record.host}), and its "
            f"controller can't be asked: {error}. Stop it there; if it is gone for certain, remove that file"
        ) from error


async def ask_controller(profile: Profile, cluster_id: str) -> None:
    """Ask the controller to end, and its hosts and engines with it; returns when it hangs up.

    ConnectionFailed, ConnectionFileError: it can't be asked.
    """
    # Not needed where there is a host to be asked.
    from engineroom.ids import new_session
    from engineroom.protocol.connection_files import read_connection_file
    from engineroom.protocol.messages import Join, Shutdown
    from engineroom.transport.dial import connect

    info = read_connection_file(profile.connection_file("client", cluster_id))
    connection, _ = await connect(info, role="client", join=Join(proof=b"", identity=new_session()), seconds=3.0)
    end = _End()
    connection.start(end)
    connection.send(Shutdown(controller=True, reason="ipcluster stop"))
    await end.come


class _End:
    """Waits for the end of a connection."""

    def __init__(self) -> None:
        self.come: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_messages(self, messages: list[Any]) -> None:
        """What else the controller says does not concern us."""

    def on_closed(self, reason: str, *, clean: bool) -> None:
        del reason, clean
        if not self.come.done():
            self.come.set_result(None)
