"""Connection files: the JSON by which clients and engines find and trust a controller.

People copy these files between machines and edit them, so unknown keys are ignored and most may be missing.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from engineroom.errors import ConnectionFileError
from engineroom.machine.own_files import UnsafeFile, read_secret
from engineroom.machine.private_files import write_private
from engineroom.machine.processes import ProcessRecord, boot_id, host_name

_ANY = ("*", "", "0.0.0.0", "::")
_URL = re.compile(r"tcp://(?P<host>\[[^\]]*\]|[^:/]*):(?P<port>\d+)/?")


class ConnectionFile(msgspec.Struct, kw_only=True):
    """What a peer needs in order to connect."""

    url: str
    """tcp://HOST:PORT; HOST may be `*`."""
    exec_key: str
    """The secret of the role."""
    certificate: str = ""
    """PEM. "" in files written by hand: then the handshake alone proves that what is shown is the controller's."""
    socket: str = ""
    """The path of its Unix socket, for peers with the same `host` and `boot_id`."""
    ssh: str = ""
    """The server to tunnel through."""
    location: str = ""
    """The address or name to try first."""
    protocol: str = "1.0"
    """Major and minor version."""
    cluster_id: str = ""
    addresses: list[str] = []
    """Further HOST:PORT under which the controller may be reached."""
    host: str = ""
    boot_id: str = ""
    controller: ProcessRecord | None = None
    """Which process it is, to tell a stale file."""
    reuse: bool = False
    """The file outlives it, for the next controller is to have the same keys."""
    owner: ProcessRecord | None = None
    """The process that starts it again if it dies, and without which nobody does; None: who knows."""

    @property
    def port(self) -> int:
        return int(_match_url(self.url)["port"])

    @property
    def host_of_url(self) -> str:
        return _match_url(self.url)["host"].strip("[]")

    def candidates(self) -> list[tuple[str, int]]:
        """Return every (host, port) worth trying, best first."""
        own = self.host_of_url
        hosts = [self.location.strip("[]"), "" if own in _ANY else own]
        found = [(host, self.port) for host in hosts if host]
        return list(dict.fromkeys([*(found or [("127.0.0.1", self.port)]), *_addresses(self.addresses)]))

    @property
    def same_machine(self) -> bool:
        """Whether the controller runs on this very machine, since its last start."""
        return bool(self.boot_id) and self.boot_id == boot_id() and self.host == host_name()

    @property
    def stale(self) -> bool:
        """Whether the controller that wrote this file ran on this machine and has certainly ended."""
        return self.controller is not None and self.controller.ended

    @property
    def over(self) -> str:
        """In words, that the controller has certainly ended, with the process that would start it again; "": it may be
        back, and with files that are used again another one may take its place."""
        if self.reuse or self.controller is None or self.owner is None:
            return ""
        if not (self.controller.ended and self.owner.ended):
            return ""
        return (
            f"the controller (pid {self.controller.pid}) has ended, and so has the process that started it "
            f"(pid {self.owner.pid})"
        )


def _match_url(url: str) -> re.Match[str]:
    match = _URL.fullmatch(url)
    if match is None:
        raise ConnectionFileError(f"the url {url!r} is not of the form tcp://HOST:PORT")
    return match


def _addresses(texts: list[str]) -> Iterator[tuple[str, int]]:
    for text in texts:
        host, _, port = text.rpartition(":")
        if port.isdigit():
            yield host.strip("[]"), int(port)


def parse_connection_file(values: dict[str, Any], *, origin: str) -> ConnectionFile:
    """Return the connection file that `values` describe; ConnectionFileError names the key that is wrong."""
    known = {key: value for key, value in values.items() if value is not None}
    for key in ("url", "exec_key"):
        if not known.get(key):
            raise ConnectionFileError(
                f"{origin} has no {key!r}: it is not a connection file of engineroom, or it was edited. Copy it "
                "again from the security directory of the controller's profile"
            )
    try:
        info = msgspec.convert(known, ConnectionFile)
    except msgspec.ValidationError as error:
        raise ConnectionFileError(f"{origin}: {error}") from error
    try:
        _match_url(info.url)
    except ConnectionFileError as error:
        raise ConnectionFileError(f"{origin}: {error}") from None
    return info


def read_connection_file(path: str | os.PathLike[str]) -> ConnectionFile:
    """Return the connection file at `path`.

    ConnectionFileError: it is missing, can't be read, is empty, is not a connection file, or another user could have
    written it. One of ours that others can read is made private, with a word.
    """
    try:
        text = read_secret(Path(path), sign=b"exec_key").decode("utf-8")
    except UnsafeFile as error:
        raise ConnectionFileError(f"the connection file {error}") from None
    except FileNotFoundError:
        raise ConnectionFileError(f"there is no connection file {path}: is the controller running?") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConnectionFileError(f"the connection file {path} can't be read: {error}") from error
    if not text.strip():
        raise ConnectionFileError(f"the connection file {path} is empty: restart the controller to write it again")
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ConnectionFileError(f"the connection file {path} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ConnectionFileError(f"the connection file {path} does not contain a JSON object")
    return parse_connection_file(values, origin=f"the connection file {path}")


def write_connection_file(path: str | os.PathLike[str], info: ConnectionFile, *, durable: bool = True) -> None:
    """Write `info` to `path`, at once and readable by its owner only. `durable`: a power cut does not undo it."""
    text = json.dumps(msgspec.to_builtins(info), indent=2) + "\n"
    write_private(Path(path), text.encode(), durable=durable)
