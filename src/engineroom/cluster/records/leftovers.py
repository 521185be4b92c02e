"""What a cluster that is gone may have left: pid and cluster files, sockets."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from engineroom.cluster.records.pid_records import remove_stale
from engineroom.errors import ConnectionFileError
from engineroom.machine.private_files import unfinished
from engineroom.protocol.connection_files import read_connection_file
from engineroom.settings.profiles import KeptFiles, Profile
from engineroom.transport.socket_places import find_socket, socket_directory, watched_directories

if TYPE_CHECKING:
    from engineroom.controller.config import ControllerConfig  # who only lists clusters does without

PROGRAMS = ("ipcluster", "ipcontroller")


def new_control_socket(profile: Profile, cluster_id: str, say: Callable[[str], None]) -> Path:
    """Return where a host is to listen; `say`: is told if that is not the usual place. OSError: nowhere."""
    return socket_directory(say) / _name(profile, cluster_id)


def control_socket(profile: Profile, cluster_id: str) -> Path:
    """Return the path of the socket by which a host is asked: short, and the same at each start, if that can be."""
    return find_socket(_name(profile, cluster_id))


def _name(profile: Profile, cluster_id: str) -> str:
    what = f"{profile.path.resolve()}\0{cluster_id}".encode()
    return f"{hashlib.blake2b(what, digest_size=8).hexdigest()}.host"


def sweep(profile: Profile, cluster_id: str) -> list[Path]:
    """Remove what the cluster left whose processes have certainly ended; return what was removed."""
    removed = [path for path in (profile.pid_file(name, cluster_id) for name in PROGRAMS) if remove_stale(path)]
    candidates = [_controller_socket(profile, cluster_id)]
    control = control_socket(profile, cluster_id)
    if not profile.pid_file("ipcluster", cluster_id).exists() and not answers(control):
        candidates.append(control)
        removed += _removed(profile.cluster_file(cluster_id))
    for path in candidates:
        if path is not None and is_dead(path):
            removed += _removed(path)
    for directory in (profile.security_dir, profile.pid_dir):
        for path in unfinished(directory):
            removed += _removed(path)
    return removed


def remove_if_stale(connection_file: Path) -> None:
    """Remove a connection file whose controller has certainly ended, and was not to come back with the same keys."""
    try:
        stale = read_connection_file(connection_file).stale
    except ConnectionFileError:
        return
    if stale:
        connection_file.unlink(missing_ok=True)


def remove_files_of(config: ControllerConfig) -> None:
    """Remove the files of a controller, if it has certainly ended, and was not to come back with them."""
    if config.reuse:
        return
    for path in config.connection_files:
        remove_if_stale(path)
    if not any(path.exists() for path in config.connection_files):
        for path in config.passing_files:
            path.unlink(missing_ok=True)


def stale_connection_files(profile: Profile, *, living: Collection[str]) -> list[Path]:
    """Return the connection files and certificates of controllers that have ended, and are not to come back with them.

    `living`: ids of clusters that run, or may.
    """
    found = []
    for path in profile.security_dir.glob("*.json"):
        try:
            info = read_connection_file(path)
        except ConnectionFileError:
            continue  # a cluster file, or somebody's own
        if info.stale and not info.reuse and info.cluster_id not in living:
            found.append(path)
            found += KeptFiles.passing(profile.security_dir, info.cluster_id)
    return [path for path in dict.fromkeys(found) if path.exists()]


def _controller_socket(profile: Profile, cluster_id: str) -> Path | None:
    """Return the socket of a controller that has ended without taking it away."""
    try:
        info = read_connection_file(profile.connection_file("client", cluster_id))
    except ConnectionFileError:
        return None  # the controller removed it, as it should
    return Path(info.socket) if info.stale and info.socket else None


def _removed(path: Path) -> list[Path]:
    try:
        path.unlink()
    except OSError:  # gone already, or on a file system that is read-only now
        return []
    return [path]


def answers(path: Path) -> bool:
    """Whether somebody listens at the socket `path`."""
    return path.is_socket() and not is_dead(path)


def is_dead(path: Path) -> bool:
    """Whether `path` is a socket of ours at which nobody listens any more."""
    if not path.is_socket():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def dead_sockets() -> list[Path]:
    """Return those of our sockets at which nobody listens, where we look after them."""
    return [path for place in watched_directories() for path in place.glob("*") if is_dead(path)]
