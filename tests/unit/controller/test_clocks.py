"""Times are corrected where clocks differ, and only there."""

from __future__ import annotations

from engineroom.controller.clocks import clock_offset
from engineroom.machine.processes import boot_id
from engineroom.protocol.messages import EngineInfo, Join


def join(wall: float, boot: str = "another machine") -> Join:
    return Join(proof=b"", identity=b"", wall=wall, info=EngineInfo(boot_id=boot))


def test_a_clock_that_is_wrong_is_corrected() -> None:
    assert clock_offset(join(90.0), 100.0) == 10.0
    assert clock_offset(join(107.5), 100.0) == -7.5


def test_a_clock_that_agrees_or_is_not_told_is_left_alone() -> None:
    assert clock_offset(join(99.98), 100.0) == 0.0
    assert clock_offset(join(0.0), 100.0) == 0.0


def test_a_peer_of_this_machine_that_was_slow_to_join_has_the_same_clock() -> None:
    assert clock_offset(join(97.0, boot_id()), 100.0) == 0.0
