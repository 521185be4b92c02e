"""What the guard of a tunnel is told."""

from __future__ import annotations

import msgspec


class TunnelPlan(msgspec.Struct):
    """`command`: ssh's, to be run again whenever it ends; `control`: our own socket; `paths`: those that ssh makes."""

    command: list[str]
    control: str
    paths: list[str]
    title: str = ""
