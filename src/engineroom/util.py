"""Small functions that scripts written for ipyparallel import from here."""

from __future__ import annotations

import datetime as dt
import re
import socket
from typing import Any

from engineroom.serialize.functions.declared import interactive

__all__ = [
    "disambiguate_ip_address",
    "disambiguate_url",
    "interactive",
    "is_url",
    "split_url",
    "utcnow",
    "validate_url",
]

_URL = re.compile(r"(tcp|udp|pgm|epgm|inproc|ipc)://(.+)")
_ANY = frozenset({"*", "0.0.0.0", "::"})


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f"module 'engineroom.util' has no attribute {name!r}: it has only {', '.join(__all__)}. To connect, use "
        "Client, Cluster or ipengine, which read a connection file"
    )


def is_url(url: str) -> bool:
    """Whether `url` looks like "tcp://host:port"."""
    return _URL.fullmatch(url) is not None


def split_url(url: str) -> tuple[str, str, str]:
    """Return protocol, host and port of `url`, "tcp://host:port"; ValueError if it is not of that form."""
    protocol, _, rest = url.partition("://")
    host, colon, port = rest.rpartition(":")
    if not (protocol and host and colon):
        raise ValueError(f"{url!r} is not a valid url: expected protocol://host:port")
    return protocol, host, port


def validate_url(url: str) -> bool:
    """Return True; ValueError if `url` is not "tcp://host:port" with a port from 0 to 65535."""
    _, _, port = split_url(url)
    if not is_url(url) or not (port == "*" or (port.isdecimal() and int(port) < 65536)):
        raise ValueError(f"{url!r} is not a valid url: expected protocol://host:port")
    return True


def disambiguate_ip_address(ip: str, location: str | None = None) -> str:
    """Return an address that leads to `ip`; one that stands for all addresses becomes `location`, or this machine's.

    `location`: the name of the machine that `ip` was noted on; None: this one.
    """
    if ip not in _ANY:
        return ip
    if location is None or location in {socket.gethostname(), "localhost", "127.0.0.1"}:
        return "127.0.0.1"
    return location


def disambiguate_url(url: str, location: str | None = None) -> str:
    """Return `url` with a host that stands for all addresses replaced; see `disambiguate_ip_address`."""
    try:
        protocol, host, port = split_url(url)
    except ValueError:
        return url  # such as ipc://path
    return f"{protocol}://{disambiguate_ip_address(host, location)}:{port}"


def utcnow() -> dt.datetime:
    """Return the time in UTC, with its zone."""
    return dt.datetime.now(dt.UTC)
