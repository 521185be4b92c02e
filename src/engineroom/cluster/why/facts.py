"""What can be seen of a cluster, from here and now: its processes and files, its disk, what its controller answers."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from engineroom.cluster.records.pid_records import Holder, holder, read
from engineroom.errors import ConnectionFileError, EngineroomError
from engineroom.machine.logs import last_line, last_written
from engineroom.machine.stopped import is_stopped
from engineroom.protocol.connection_files import ConnectionFile, read_connection_file
from engineroom.protocol.messages import PROTOCOL, Join, Welcome
from engineroom.protocol.questions import AskBounds, Bounds
from engineroom.settings.option import OptionError
from engineroom.settings.profiles import Profile, tail

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.transport.connection import Connection

PATIENCE = 1.5
"""Seconds that one way to the controller may take to answer."""


class Seen(msgspec.Struct, frozen=True):
    """One process by its pid file. `since`: when the file was written, in seconds since 1970."""

    holder: Holder = Holder.NOBODY
    pid: int = 0
    machine: str = ""
    since: float = 0.0

    @property
    def may_run(self) -> bool:
        return self.holder.may_run


class Heard(msgspec.Struct, kw_only=True, frozen=True):
    """What the controller says; the defaults: nothing was heard of it."""

    contact_problem: str = ""
    """Why it does not answer; only asked if its connection file is right."""
    engines: list[int] | None = None
    """The ids of those registered; None: the controller could not be asked."""
    startup_problems: dict[int, str] = {}
    """By id, what the start-up code of engines ended of."""
    bounds: list[str] = []
    """Whose tasks are not started because of a limit, and why."""
    silent: str = ""
    """Which engines do not answer, and what to do."""
    stopped: dict[int, int] = {}
    """By id, the processes of engines of this machine that are stopped by SIGSTOP."""
    silent_hosts: list[str] = []
    """Which `ipcluster` processes do not answer."""


class Facts(Heard, kw_only=True, frozen=True):
    """What is known of a cluster; "" and empty lists: nothing is wrong there."""

    now: float
    """In seconds since 1970."""
    profile_dir: str = ""
    options: str = ""
    host: Seen = Seen()
    controller: Seen = Seen()
    profile_problem: str = ""
    """Why nothing can be written to the profile, or what is wrong with its files of options."""
    file_problem: str = ""
    """Of the connection file for clients."""
    controller_stopped: bool = False
    """By SIGSTOP."""
    host_stopped: bool = False
    """That of this machine is stopped by SIGSTOP."""
    others: str = ""
    """The clusters that run, in a sentence, if this one does not."""
    last_words: str = ""
    """The last line of the host's log."""
    engine_words: str = ""
    """That of the engines' newest log, with its name, since the host was started."""


def look(profile: Profile, cluster_id: str) -> Facts:
    """Return the facts of a cluster; takes a moment, or some seconds where something does not answer."""
    from engineroom.cluster.finding.registry import running_commands  # reads every cluster file

    host, controller = (_seen(profile.pid_file(program, cluster_id)) for program in ("ipcluster", "ipcontroller"))
    runs_here = controller.holder is Holder.RUNNING
    stopped = runs_here and is_stopped(controller.pid)
    path = profile.connection_file("client", cluster_id)
    file_problem, heard = "", Heard()
    try:
        info = read_connection_file(path)
    except ConnectionFileError as error:
        file_problem = str(error)
    else:
        file_problem = _trouble_with(info, path)
        if not file_problem and not stopped:
            heard = _ask(info)
    profile_problem = _trouble_writing(profile)
    if not host.may_run and not controller.may_run:
        profile_problem = profile_problem or _trouble_with_options(profile)
    return Facts(
        now=time.time(),
        profile_dir=str(profile.path),
        options=profile.options(cluster_id),
        host=host,
        controller=controller,
        profile_problem=profile_problem,
        file_problem=file_problem,
        controller_stopped=stopped or (bool(heard.contact_problem) and runs_here and is_stopped(controller.pid)),
        host_stopped=host.holder is Holder.RUNNING and is_stopped(host.pid),
        others="" if host.may_run or controller.may_run else running_commands("ipcluster why", profile),
        last_words=last_line(profile.log_file("ipcluster", cluster_id)),
        engine_words=_engine_words(profile, cluster_id, host.since),
        **msgspec.structs.asdict(heard),
    )


def _engine_words(profile: Profile, cluster_id: str, since: float) -> str:
    found = [(last_written(path), path) for path in profile.log_dir.glob(f"ipengine*{tail(cluster_id)}-*.log")]
    at, newest = max(found, default=(0.0, Path()))
    words = last_line(newest) if at and at >= since else ""
    return f"{newest.name}: {words}" if words else ""


def _seen(path: Path) -> Seen:
    record = read(path)
    if record is None:
        return Seen()
    return Seen(holder(record), record.pid, record.host, last_written(path))


def _trouble_with(info: ConnectionFile, path: Path) -> str:
    if info.stale:
        pid = "" if info.controller is None else f" (pid {info.controller.pid})"
        return f"the connection file is stale: its controller{pid} has ended ({path})"
    major = info.protocol.partition(".")[0]
    if major != str(PROTOCOL[0]):
        ours = f"{PROTOCOL[0]}.{PROTOCOL[1]}"
        return f"the controller speaks protocol {info.protocol}, and engineroom here speaks protocol {ours} ({path})"
    return ""


def _trouble_writing(profile: Profile) -> str:
    """Return why no file can be written where logs, keys and pid files are to be; "" if one can."""
    for directory in (profile.log_dir, profile.security_dir, profile.pid_dir):
        if not directory.is_dir():
            continue
        try:
            _write_and_remove(directory / f".why-{uuid4().hex[:8]}")
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, "")
            return f"{directory} can't be written to: {error.strerror}{f' ({name})' if name else ''}"
    return ""


def _trouble_with_options(profile: Profile) -> str:
    """Return why a start would end before it has noted a step: what is wrong in a file with options."""
    from engineroom.settings.cluster import IPClusterStart  # only where nothing runs
    from engineroom.settings.controller import IPController
    from engineroom.settings.engine import IPEngine
    from engineroom.settings.reading import read_application

    for program in (IPClusterStart, IPController, IPEngine):
        try:
            read_application(program, [f"--profile-dir={profile.path}"])
        except OptionError as error:
            return str(error)
    return ""


def _write_and_remove(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, bytes(_PAGE))
        os.fsync(descriptor)  # some file systems say only now that they are full
    finally:
        os.close(descriptor)
        path.unlink()


_PAGE = 4096


class _Probe:
    """Dials with little patience: whoever asks why is waiting for the answer."""

    def __init__(self, info: ConnectionFile) -> None:
        from engineroom.transport.tunnels import Tunnel  # imported by the session already, and so below

        self._info = info
        self._tunnel = Tunnel()

    async def __call__(self, join: Join, seconds: float) -> tuple[Connection, Welcome]:
        del seconds
        from engineroom.transport.dial import connect

        return await connect(self._info, role="client", join=join, tunnel=self._tunnel, seconds=PATIENCE)

    async def wait(self, seconds: float) -> None:
        """There is nothing to wait for."""

    def over(self) -> str:
        return self._info.over

    def close(self) -> None:
        self._tunnel.close()


def _ask(info: ConnectionFile) -> Heard:
    """Return what the controller says."""
    from engineroom.client.connection.session import Session  # asyncio, TLS: not before there is somebody to ask

    session: Session = Session(_Probe(info), reconnect_timeout=0.0)
    try:
        session.start(0.0)
    except (EngineroomError, OSError) as error:
        return Heard(contact_problem=str(error))
    try:
        reply = session.ask(AskBounds(), "'bounds'", timeout=PATIENCE)
        told = reply if isinstance(reply, Bounds) else Bounds()
        problem = ""
    except (EngineroomError, TimeoutError) as error:
        told, problem = Bounds(), str(error)
    try:
        engines = session.engines
        return Heard(
            engines=list(engines.ids),
            startup_problems=engines.problems(),
            bounds=list(told.words),
            silent=engines.silent.words(engines.ids),
            stopped={engine: pid for engine, pid in engines.processes_here().items() if is_stopped(pid)},
            silent_hosts=list(told.silent_hosts),
            contact_problem=problem,
        )
    finally:
        session.close()
