"""What the controller's options make of the core's limits."""

from __future__ import annotations

from pathlib import Path

from engineroom.cluster.plan.programs import controller_config
from engineroom.settings.controller import IPController


def test_the_bounds_of_arguments_come_from_the_options(tmp_path: Path) -> None:
    options = IPController(profile_dir=str(tmp_path), max_input_bytes=5, max_total_input_bytes=7)
    limits = controller_config(options).limits
    assert (limits.input_bytes, limits.all_input_bytes) == (5, 7)
