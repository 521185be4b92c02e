"""Machines as people name them, for ssh and in URLs."""

from __future__ import annotations

import re
from typing import NamedTuple

_ADDRESS = re.compile(
    r"(?:(?P<user>[^-\s]\S*)@)?(?P<host>\[[^\]\s-][^\]\s]*\]|[^:@\[\]\s-][^:@\[\]\s]*)(?::(?P<port>\d+))?"
)

QUIET = (
    "BatchMode=yes",  # nobody is there to answer a question
    "ServerAliveCountMax=3",
    "ControlMaster=no",  # a master of the user's serves us too, but we become none, which would outlive us
)
"""What every ssh of ours is told. ssh takes the first value that it is given: those of users come before these."""


class SshAddress(NamedTuple):
    """[user@]host[:port] in its parts, "" where it does not say."""

    user: str
    host: str
    port: str


def ssh_address(text: str) -> SshAddress | None:
    """Return what `[user@]host[:port]` means, None if it is something else; an IPv6 address is in brackets.

    No part of it can be taken for an option of ssh.
    """
    found = _ADDRESS.fullmatch(text)
    return None if found is None else SshAddress(found["user"] or "", found["host"].strip("[]"), found["port"] or "")


def as_options(*settings: str) -> list[str]:
    """Return the arguments by which ssh is told `settings`."""
    return [part for setting in settings for part in ("-o", setting)]


def bracketed(host: str) -> str:
    """Return `host` as it stands before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host
