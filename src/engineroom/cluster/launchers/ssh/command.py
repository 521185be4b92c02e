"""The ssh command that reaches another machine, and what its shell is told there."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engineroom.cluster.launchers.ssh.python import candidates, choosing, quoted
from engineroom.errors import LaunchError
from engineroom.machine.ssh_names import QUIET, as_options, ssh_address
from engineroom.settings.launchers import SSHLauncher

_COMMAND = "exec /bin/sh -c 'IFS= read -r line && eval \"$line\"'"
"""All that is seen of it in a list of processes. Any login shell understands it; the rest comes by stdin."""

_OPTIONS = (
    *QUIET,
    "ConnectTimeout=15",
    "ServerAliveInterval=5",
    "ClearAllForwardings=yes",
)

REACHED = b"engineroom: the shell is there"
NO_SCRIPT, NO_PYTHON = 126, 127


class Place(msgspec.Struct, frozen=True):
    """A machine as ssh is told of it. `name`: as the user wrote it."""

    name: str
    host: str
    user: str = ""
    port: str = ""


def place_of(text: str) -> Place:
    """Return the machine that `[user@]host[:port]` means, also after ssh://; an IPv6 address is in brackets."""
    found = ssh_address(text.strip().removeprefix("ssh://").rstrip("/"))
    if found is None:
        raise LaunchError(f"{text!r} is not a machine; write [user@]host[:port], with an IPv6 address in [brackets]")
    return Place(text.strip(), found.host, found.user, found.port)


def place_in(options: SSHLauncher) -> Place:
    """Return the machine that `location`, or `hostname` and `user`, name."""
    text = options.location or options.hostname
    if not text:
        name = type(options).__name__
        raise LaunchError(f"which machine? Set c.{name}.hostname, or c.{name}.location = '[user@]host[:port]'")
    place = place_of(text)
    return msgspec.structs.replace(place, user=options.user) if options.user and not place.user else place


def ssh_argv(options: SSHLauncher, place: Place) -> list[str]:
    """Return the command that runs a shell on `place`, which waits for `shell_line`."""
    user = ["-l", place.user] if place.user else []
    port = ["-p", place.port] if place.port else []
    return [*options.ssh_cmd, *options.ssh_args, *as_options(*_OPTIONS), "-T", *user, *port, "--", place.host, _COMMAND]


def shell_line(options: SSHLauncher, what: str, environment: Mapping[str, str], *, version: str) -> bytes:
    """Return the line that has the shell start a remote host, with `environment`, which nobody else sees.

    `version`: that of engineroom here.
    """
    python, script = options.remote_python, options.environment_script
    parts = [f"export {name}={shlex.quote(value)}" for name, value in environment.items() if _fits(name, value)]
    if script:
        parts.append(f". {quoted(script)} || exit {NO_SCRIPT}")
    if python:
        parts.append(f'python={quoted(python)}; command -v "$python" >/dev/null || exit {NO_PYTHON}')
    else:
        parts.append(choosing(candidates(script=bool(script)), version))
    parts.append(f'exec "$python" -P -m engineroom.cluster.ssh.far.process {what}')
    body = "; ".join(parts)
    if script:  # it may be written for bash, and most are
        body = f'exec "$(command -v bash || echo sh)" -c {shlex.quote(body)}'
    return f"echo; echo {shlex.quote(REACHED.decode())}; {body}\n".encode()


def pairs(values: Sequence[Any], option: str) -> list[tuple[str, str]]:
    """Return the pairs of paths in `values`; LaunchError if they are something else."""
    try:
        return [(str(first), str(second)) for first, second in values]
    except (TypeError, ValueError):
        raise LaunchError(f"{option} must be a list of pairs of paths, not {values!r}") from None


def _fits(name: str, value: str) -> bool:
    """Whether a shell can take it, on one line; engines get all of them in any case."""
    return name.isidentifier() and "\n" not in value
