"""How far the clock of a peer differs from ours, so that the times it tells can be corrected."""

from __future__ import annotations

from engineroom.machine.processes import boot_id
from engineroom.protocol.messages import Join

_AGREE = 0.05
"""Seconds by which clocks may differ before times are corrected (a handshake is no finer)."""


def clock_offset(join: Join, now: float) -> float:
    """Return the seconds to add to the wall times of the peer that has sent `join`, received when it is `now` here.

    A peer of this machine has our clock: a difference is only how long the message took, on a busy machine.
    """
    if not join.wall or join.info.boot_id == boot_id():
        return 0.0
    offset = now - join.wall
    return offset if abs(offset) > _AGREE else 0.0
