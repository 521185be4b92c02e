"""The hosts and controllers that this user runs on this machine, found by their processes and not by their files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import psutil

from engineroom.cluster.line.dialling import dial_host
from engineroom.cluster.line.messages import Answered, Status, line_of, read_report
from engineroom.machine.lines import first_line
from engineroom.machine.processes import ProcessRecord
from engineroom.transport.socket_places import watched_directories

_PATIENCE = 2.0
"""Seconds that a host may take to answer."""

_TITLE = re.compile(r"engineroom (?P<what>host|controller)(?: \[(?P<id>.*)\])?")


@dataclass(frozen=True, slots=True)
class OwnProcess:
    """`what`: "host" or "controller"; `directory`: that it works in; `since`: when it was started, in seconds since
    1970; `values`: what a host says of its cluster, {} if it does not answer."""

    what: str
    cluster_id: str
    record: ProcessRecord
    parent: int
    directory: str
    since: float
    values: dict[str, Any]


def own_processes() -> Iterator[OwnProcess]:
    """Yield those that listen in one of the socket directories that this user looks after."""
    places = tuple(f"{place}/" for place in watched_directories())
    for process in psutil.process_iter():
        try:
            found = _looked_at(process, places)
        except (psutil.Error, OSError):
            continue  # it has ended meanwhile, or is somebody else's
        if found is not None:
            yield found


def _looked_at(process: psutil.Process, places: tuple[str, ...]) -> OwnProcess | None:
    title = _TITLE.fullmatch(" ".join(process.cmdline()).strip())
    if title is None:
        return None
    addresses = [str(each.laddr) for each in process.net_connections("unix")]
    listens = [address for address in addresses if address.startswith(places)]
    record = ProcessRecord.of(process.pid)
    if not listens or record is None:
        return None
    asked = next((_ask(address) for address in listens if address.endswith(".host")), {})
    return OwnProcess(
        title["what"], title["id"] or "", record, process.ppid(), process.cwd(), process.create_time(), asked
    )


def _ask(address: str) -> dict[str, Any]:
    """Return what the host at `address` says of its cluster; {} if it says nothing."""
    try:
        with dial_host(address) as sock:
            sock.settimeout(_PATIENCE)
            sock.sendall(line_of(Status(number=1)))
            answer = read_report(first_line(lambda: sock.recv(65536))[0])
    except (OSError, msgspec.MsgspecError):
        return {}
    return answer.data or {} if isinstance(answer, Answered) else {}
