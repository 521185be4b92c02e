"""What a person says about the way to a controller, beyond what its connection file says."""

from __future__ import annotations

import os
import shlex

import msgspec

from engineroom.errors import ConnectionFailed
from engineroom.machine.processes import host_name
from engineroom.machine.ssh_names import bracketed, ssh_address
from engineroom.protocol.connection_files import ConnectionFile

ARGUMENTS = "ENGINEROOM_SSH_ARGS"
"""Environment variable with further arguments for ssh, as a shell would split them."""


class Way(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`url`: tcp://HOST:PORT, and `location`: an address, to be tried before all others. `ssh`: the server to tunnel
    through, [user@]host[:port]; `ssh_key`: path of the private key for it; `ssh_args`: further arguments for ssh."""

    url: str = ""
    location: str = ""
    ssh: str = ""
    ssh_key: str = ""
    ssh_args: tuple[str, ...] = ()

    def through(self, info: ConnectionFile) -> ConnectionFile:
        """Return `info`, changed to what this says."""
        if self.url:
            others = [f"{bracketed(host)}:{port}" for host, port in info.candidates()]
            info = msgspec.structs.replace(info, url=self.url, location="", addresses=others)
        if self.location:
            info = msgspec.structs.replace(info, location=self.location)
        if self.ssh:
            info = msgspec.structs.replace(info, ssh=self.ssh)
        return info

    def ssh_arguments(self, server: str) -> list[str]:
        """Return the arguments by which ssh reaches `server`; ConnectionFailed: that is no name of a server."""
        # Connection files are copied about: the name of a server must not become an option of ssh.
        if server.startswith("-") or any(character.isspace() for character in server):
            error = ConnectionFailed(f"{server!r} is not a valid ssh server: write [user@]host[:port]")
            error.final = True
            raise error
        key = ["-i", os.path.expanduser(self.ssh_key)] if self.ssh_key else []
        own = [*self.ssh_args, *shlex.split(os.environ.get(ARGUMENTS, "")), *key]
        address = None if server.startswith("ssh://") else ssh_address(server)
        if address is None:
            return [*own, "--", server]
        port = ["-p", address.port] if address.port else []
        return [*own, *port, "--", f"{address.user}@{address.host}" if address.user else address.host]


def is_this_machine(server: str) -> bool:
    """Whether the ssh server is the machine that we are on, as far as its name tells."""
    name = server.rpartition("@")[2].lower()
    ours = host_name().lower()
    return name in {ours, ours.partition(".")[0]}
