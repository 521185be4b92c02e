"""Finding the connection file of a client, and waiting for it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engineroom.client.connection.whereabouts import running_clusters
from engineroom.errors import ConnectionFileError, LaunchError
from engineroom.machine.homes import expanded
from engineroom.machine.standard_streams import say_to
from engineroom.protocol.connection_files import ConnectionFile, parse_connection_file, read_connection_file
from engineroom.protocol.messages import Join, Welcome
from engineroom.settings.profiles import Profile
from engineroom.transport.connection import Connection
from engineroom.transport.dial import connect
from engineroom.transport.tunnels import Tunnel
from engineroom.transport.ways import Way

_LOOK_EVERY = 0.1
"""Seconds between two looks for a connection file."""


class FromInfo:
    """Dials by what was given."""

    def __init__(self, info: ConnectionFile, way: Way | None) -> None:
        self._info = info
        self._tunnel = Tunnel(way)

    async def __call__(self, join: Join, seconds: float) -> tuple[Connection, Welcome]:
        return await connect(self._info, role="client", join=join, tunnel=self._tunnel, whole=seconds)

    async def wait(self, seconds: float) -> None:
        """There is nothing to wait for."""

    def over(self) -> str:
        return self._info.over

    def close(self) -> None:
        self._tunnel.close()


class FromFile:
    """Dials by what a connection file says, read again each time: a restarted controller may write another."""

    def __init__(self, path: Path, place: Profile, advice: str, way: Way | None) -> None:
        """`place`: the profile that was meant; `advice`: what to do if there is no such file."""
        self.path, self._place, self._advice = path, place, advice
        self._tunnel = Tunnel(way)
        self._last: ConnectionFile | None = None

    async def __call__(self, join: Join, seconds: float) -> tuple[Connection, Welcome]:
        info = self._last = read_connection_file(self.path)
        return await connect(info, role="client", join=join, tunnel=self._tunnel, whole=seconds)

    async def wait(self, seconds: float) -> None:
        """Return once there is a file whose controller may be running; ConnectionFileError after `seconds`.

        A file that exists but is not valid is an error at once.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        told = False
        while (trouble := self._trouble()) is not None:
            if seconds and not told:
                others = running_clusters(self._place)
                words = f"Waiting for connection file: {self.path} ({trouble})"
                say_to(sys.stderr, words, *filter(None, [others]))
                told = True
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                others = running_clusters(self._place)
                raise ConnectionFileError(
                    f"found no controller{f' within {seconds:g} s' if seconds else ''}: {self.path}: {trouble}. "
                    f"{self._advice}{f'. {others}' if others else ''}"
                )
            await asyncio.sleep(min(_LOOK_EVERY, left))

    def over(self) -> str:
        return "" if self._last is None else self._last.over  # the file may be gone

    def _trouble(self) -> str | None:
        if not self.path.exists():
            return "the file does not exist"
        info = read_connection_file(self.path)
        if info.stale:
            pid = "" if info.controller is None else f" (pid {info.controller.pid})"
            return f"the file is stale: its controller{pid} has ended"
        return None

    def close(self) -> None:
        self._tunnel.close()


def find_dial(
    connection_info: str | os.PathLike[str] | dict[str, Any] | None,
    *,
    profile: str | None = None,
    profile_dir: str | os.PathLike[str] | None = None,
    ipython_dir: str | os.PathLike[str] | None = None,
    cluster_id: str | None = None,
    way: Way | None = None,
) -> FromFile | FromInfo:
    """Return the dialler of the controller that the arguments select (default: that of the default profile)."""
    if isinstance(connection_info, dict):
        return FromInfo(parse_connection_file(connection_info, origin="the connection info"), way)
    try:
        found = Profile.find(profile, profile_dir=profile_dir, ipython_dir=ipython_dir)
    except LaunchError:
        if connection_info is None:
            raise
        found = Profile(expanded(connection_info).absolute().parent)  # as good as any
    if connection_info is not None:
        path = expanded(connection_info)
        if not path.is_absolute() and not path.exists():
            in_profile = found.security_dir / path
            path = in_profile if in_profile.exists() else path
        return FromFile(path, found, "Copy it from the security directory of the controller's profile", way)
    command = f"ipcluster start -n 4 {found.options(cluster_id or '')}".rstrip()
    file = found.connection_file("client", cluster_id or "")
    return FromFile(file, found, f"Start a cluster with `{command}`", way)


def way_of(
    server: str | None, key: str | os.PathLike[str] | None, arguments: Sequence[str], password: str | None
) -> Way:
    """Return how to go through an ssh server; ValueError: with a password, which ssh takes from no program."""
    if password:
        raise ValueError(
            "ssh does not accept a password from a program: load your key into ssh-agent (`ssh-add`), or give its "
            "path as sshkey"
        )
    path = str(expanded(key).absolute()) if key else ""
    return Way(ssh=server or "", ssh_key=path, ssh_args=tuple(arguments))
