"""What a host is to do, all of it, as plain data: made from options (`making`), sent to the host as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from engineroom.cluster.launchers.spec import LauncherSpec
from engineroom.controller.config import ControllerConfig
from engineroom.engine.config import GRACE, EngineConfig
from engineroom.settings.profiles import Profile

STOP_TIMEOUT, STOP_TIMEOUT_BY_SSH = 4.0, 10.0
"""Seconds that processes of this machine may take to end."""

TO_KILL = 3.0
"""Seconds more than their grace that processes of this machine may take: to be asked, and to be killed."""


class HostPlan(msgspec.Struct, kw_only=True, frozen=True):
    """What a host starts, watches and stops. Nobody changes a plan; times are in seconds."""

    profile_dir: str
    """Directory of the profile, which has connection files, logs and records."""
    cluster_id: str
    """Which cluster of the profile; "": the one without an id."""
    options: dict[str, Any] = {}
    """The cluster's own options, by name, for its file."""
    log_level: str = "INFO"
    """Lowest level that its processes log."""
    clean_logs: bool = False
    """Remove the logs of earlier starts first."""
    owned: bool = True
    """End with the process that started the host..."""
    owner: int = 0
    """... whose pid this is; 0: only the end of its connection tells."""
    stop_timeout: float = STOP_TIMEOUT
    """How long all of it may take to end."""

    controller: ControllerConfig | None = None
    """None where one runs already, or will."""
    controller_launcher: LauncherSpec | None = None
    """What starts the controller; None: the host itself."""
    controller_arguments: list[str] = []
    """For a controller that reads its profile by itself."""
    controller_environment: dict[str, str] = {}
    """Variables for a controller that the host itself starts, beside those of this process."""
    controller_timeout: float = 60.0
    """How long a controller that the host itself starts may take to listen."""

    restart_controller: bool = False
    """Start a controller again that dies."""

    n: int = 0
    """How many engines to start with."""
    engine: EngineConfig
    """What all engines have in common."""
    engine_launcher: LauncherSpec | None = None
    """What starts engines; None: the host itself."""
    engine_arguments: list[str] = []
    """For engines that read their profile by themselves."""
    engine_environment: dict[str, str] = {}
    """Variables for engines, beside those of the process that starts them."""
    engine_timeout: float = 60.0
    """How long all engines of a start may take to register."""
    restart_engines: bool = False
    """Start engines again that die."""
    pause: float = 0.0
    """From when the controller listens to the start of engines."""
    delay: float = 0.0
    """Between the starts of two engines that the host itself starts."""
    grace: float = GRACE
    """From asking one of these to end until it is killed."""

    launcher_names: tuple[str, str] = ("Local", "Local")
    """The launchers of controller and engines, as users know them."""

    @property
    def profile(self) -> Profile:
        return Profile(Path(self.profile_dir))

    @property
    def again(self) -> HostPlan:
        """The same plan, for a controller that goes on in the place of one that has died."""
        assert self.controller is not None
        return msgspec.structs.replace(self, controller=msgspec.structs.replace(self.controller, restore=True))

    @property
    def takes_long_to_stop(self) -> bool:
        """Whether more has to end than processes of this machine."""
        return self.stop_timeout > STOP_TIMEOUT
