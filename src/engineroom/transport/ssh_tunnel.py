"""The ssh commands that make a tunnel, and what to do about what they complain of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from engineroom.machine.ssh_names import QUIET, as_options, bracketed


class Forward(NamedTuple):
    """One address of the controller, as its server sees it, and the Unix socket here that leads there."""

    host: str
    port: int
    path: str

    def __str__(self) -> str:
        return f"{bracketed(self.host)}:{self.port}"


_OPTIONS = (
    *QUIET,
    "ExitOnForwardFailure=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=10",
    "StreamLocalBindUnlink=yes",
    "StreamLocalBindMask=0177",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "LogLevel=INFO",  # it says why an address can't be reached
)

_PERMANENT = (
    "Permission denied",
    "Host key verification failed",
    "REMOTE HOST IDENTIFICATION HAS CHANGED",
    "Name or service not known",
    "nodename nor servname provided",
    "Bad configuration option",
    "No such file or directory",
)

_NOISE = re.compile(r"^(Warning: Permanently added|Pseudo-terminal|Connection to .* closed|@+$)")

_ADVICE = (
    (
        r"Permission denied",
        (
            "Make `{ssh}` work without questions: load your key into ssh-agent (`ssh-add`), or name it with "
            "--sshkey, or log in by hand through a ControlMaster in ~/.ssh/config, which is then used"
        ),
    ),
    (
        r"Host key verification failed|IDENTIFICATION HAS CHANGED",
        "Connect once with `{ssh}` and check the host key that it shows",
    ),
    (r"Could not resolve hostname", "Check the name: `{ssh}` must work on this machine"),
    (
        r"administratively prohibited",
        ("Its sshd does not permit forwarding (AllowTcpForwarding): choose another server"),
    ),
    (
        r"open failed: connect failed",
        (
            "The ssh server cannot reach the controller: make the controller listen for it (`ipcontroller --ip='*'`), "
            "or give its address with --location"
        ),
    ),
    (
        r"Stdio forwarding request failed",
        (
            "The ssh server cannot reach the controller, or the connection that you opened does not permit "
            "forwarding: make the controller listen for it (`ipcontroller --ip='*'`), or give its address with "
            "--location"
        ),
    ),
    (r"remote port forwarding failed|cannot listen|path too long", "Choose a shorter $ENGINEROOM_SOCKET_DIR"),
)


def tunnel_command(ssh_arguments: Sequence[str], forwards: Sequence[Forward]) -> list[str]:
    """Return the command whose process is the tunnel; `ssh_arguments` end with the server, and count most."""
    lines = [part for each in forwards for part in ("-L", f"{each.path}:{each}")]
    # A master that somebody else started would keep the tunnel for itself.
    return _ssh(ssh_arguments, "-o", "ControlPath=none", more=["-N", "-T", *lines])


def master_check(ssh_arguments: Sequence[str]) -> list[str]:
    """Return the command that succeeds if the user has a connection to the server which others may share."""
    return _ssh(ssh_arguments, more=["-O", "check"])


def lead_command(ssh_arguments: Sequence[str], forward: Forward) -> list[str]:
    """Return the command that leads its stdin and stdout to an address; a master lets it in, and it ends by itself."""
    return _ssh(ssh_arguments, more=["-W", str(forward)])


def _ssh(ssh_arguments: Sequence[str], *first: str, more: Sequence[str]) -> list[str]:
    *own, dashes, server = ssh_arguments
    return ["ssh", *first, *own, *as_options(*_OPTIONS), *more, dashes, server]


def worth_saying(line: str) -> bool:
    """Whether a line of ssh's tells why something does not work."""
    return bool(line.strip()) and not _NOISE.match(line)


def is_permanent(words: str) -> bool:
    """Whether trying again makes no sense before somebody has changed something."""
    return any(each in words for each in _PERMANENT)


def advice(words: str, server: str) -> str:
    """Return what to do about `words` of ssh, "" if they are all that can be said."""
    found = next((text for pattern, text in _ADVICE if re.search(pattern, words)), "")
    return found.replace("{ssh}", f"ssh {server}")
