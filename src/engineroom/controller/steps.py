"""The steps of the cluster's start, for clients on machines that do not see its profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from engineroom.controller.config import ControllerConfig
from engineroom.settings.profiles import Profile
from engineroom.settings.steps import read_steps

_LATEST = 1000
"""So many steps are told."""


def known_steps(config: ControllerConfig) -> list[Any]:
    """Return the latest steps that are noted on this machine, as JSON values."""
    profile = Profile(Path(config.security_dir).parent)
    return [msgspec.to_builtins(step) for step in list(read_steps(profile.steps_file(config.cluster_id)))[-_LATEST:]]
