"""What the guard of a tunnel is told."""

from __future__ import annotations

import msgspec


class TunnelPlan(msgspec.Struct):
    """`command`: ssh's, to be run again whenever it ends; `control`: our own socket; `paths`: those that ssh makes.

    `check`: the command that succeeds if the user has a master for the server; then we make the `paths`, and each
    connection to one of them is led by a process of its own, by the command in `leads`.
    """

    command: list[str]
    check: list[str]
    control: str
    paths: list[str]
    leads: list[list[str]]
    title: str = ""
