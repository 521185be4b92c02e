"""Addresses of a controller that only the far end of an ssh connection knows."""

from __future__ import annotations

import json

import msgspec

from engineroom.machine.ssh_names import bracketed
from engineroom.protocol.connection_files import parse_connection_file


def with_address(connection_file: str, host: str) -> str:
    """Return the contents of a connection file with one more address of the controller."""
    info = parse_connection_file(json.loads(connection_file), origin="the connection file")
    if host in {known for known, _ in info.candidates()}:
        return connection_file
    more = msgspec.structs.replace(info, addresses=[*info.addresses, f"{bracketed(host)}:{info.port}"])
    return json.dumps(msgspec.to_builtins(more), indent=2) + "\n"
