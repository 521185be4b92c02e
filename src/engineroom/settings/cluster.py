"""The options of a cluster as a whole, and of the commands that start, stop and find clusters."""

from __future__ import annotations

import logging
from typing import ClassVar

from traitlets import Bool, CaselessStrEnum, Dict, Float, Int, List, Unicode
from traitlets.config import Config, Configurable

from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.controller import HeartMonitor, IPController, TaskScheduler
from engineroom.settings.engine import IPEngine
from engineroom.settings.launcher_names import LauncherName
from engineroom.settings.option import OptionError, option
from engineroom.settings.own_modules import places_for
from engineroom.settings.profiles import Profile

log = logging.getLogger(__name__)


class Cluster(Configurable):
    """A controller and its engines."""

    old_classes: ClassVar[tuple[str, ...]] = ("IPClusterStart", "IPClusterEngines")

    n = option(Int(None, allow_none=True, min=0, help="How many engines to start; default: one per core."), "n")
    engine_launcher_class = option(
        LauncherName(role="engines", suffixes=("EngineSetLauncher", "EngineLauncher")),
        "engines",
        old=("engine_set_launcher_class", "engine_set_launcher", "engine_launcher"),
    )
    controller_launcher_class = option(
        LauncherName(role="the controller", suffixes=("ControllerLauncher",)),
        "controller",
        old=("controller_launcher",),
    )
    controller_ip = option(Unicode("", help="Address that the controller listens on; * for all."), "ip")
    controller_location = option(Unicode("", help="Address under which others reach the controller."), "location")
    controller_args = option(List(Unicode(), help="Further arguments for ipcontroller."))
    engine_timeout = option(Float(60, min=0, help="Seconds that all engines together may take to register."))
    engine_environment = option(Dict(help="Environment variables for engines."))
    split = option(
        Bool(None, allow_none=True, help="Batch systems: make each engine a job of its own, or with =False one job."),
        "split",
    )
    delay = option(
        Float(0, min=0, help="Seconds that engines are started later than the controller, which need not be any."),
        "delay",
    )
    restart_dead_engines = option(
        Bool(default_value=False, help="Start an engine again when it dies; it keeps its id, not its namespace."),
        "restart-engines",
    )


class IPClusterEngines(BaseParallelApplication):
    """Start engines for a controller that runs already, or will."""

    name = Unicode("ipcluster")
    config_name = "ipcluster"
    option_classes: ClassVar[tuple[type[Configurable], ...]] = (Cluster, IPEngine)
    flag_classes: ClassVar[tuple[type[Configurable], ...]] = (Cluster, IPEngine)
    examples = Unicode("ipcluster engines -n 4    # four engines for the controller of the default profile")

    dry_run = option(
        Bool(default_value=False, help="Print the scripts and commands by which all would be started; start nothing."),
        "dry-run",
        in_files=False,
    )
    daemonize = option(Bool(default_value=False, help="Go on in the background once everything runs."), "daemonize")

    def rare_classes(self, config: Config) -> list[type[Configurable]]:
        from engineroom.settings.launcher_classes import own_launchers
        from engineroom.settings.launchers import LAUNCHER_CLASSES  # as the method says
        from engineroom.settings.winhpc import WINHPC_CLASSES

        said = config.BaseParallelApplication
        profile = Profile.find(said.get("profile"), profile_dir=said.get("profile_dir"))
        return [*LAUNCHER_CLASSES, *WINHPC_CLASSES, *own_launchers([config], places_for(profile.path))]


class IPClusterStart(IPClusterEngines):
    """Start a controller and engines.

    What follows `--` goes to ipcontroller.
    """

    option_classes = (Cluster, TaskScheduler, HeartMonitor, IPController, IPEngine)
    flag_classes = (Cluster, TaskScheduler, HeartMonitor, IPController)
    examples = Unicode("ipcluster start -n 4 --daemonize    # four engines, in the background")


class IPClusterStop(BaseParallelApplication):
    """Stop a cluster; also by its cluster id: `ipcluster stop ID ...`."""

    name = Unicode("ipcluster")
    config_name = "ipcluster"
    takes_arguments = True

    all_cluster_ids = option(Bool(default_value=False, help="Stop all clusters of the profile."), "all")
    timeout = option(Float(10, min=0, help="Seconds that the cluster may take to end before it is killed."), "timeout")

    def read_files(self) -> None:
        """Take the options in the profile's file; without them where it can't be read: what runs can be stopped."""
        try:
            super().read_files()
        except OptionError as error:
            log.warning("%s. It is left out", error)


class IPClusterList(BaseParallelApplication):
    """List clusters of all profiles."""

    name = Unicode("ipcluster")

    output_format = option(CaselessStrEnum(("text", "json"), "text", help="text or json."), "o")


class IPClusterClean(BaseParallelApplication):
    """Remove what clusters that are gone have left: pid, connection and cluster files, sockets."""

    name = Unicode("ipcluster")

    force = option(Bool(default_value=False, help="Also stop clusters that still run."), "force")
    all_profiles = option(Bool(default_value=False, help="In all profiles."), "all")


class IPClusterLogs(BaseParallelApplication):
    """Show the logs of a cluster: of all its processes, or of those named: controller, ipcluster, 3 (for engine 3)."""

    name = Unicode("ipcluster")
    takes_arguments = True

    follow = option(Bool(default_value=False, help="Go on with what is written from now on."), "f", "follow")
    lines = option(Int(20, min=0, help="How many lines of each file to begin with; 0: all."), "lines")


class IPClusterWhy(BaseParallelApplication):
    """Say why a cluster does not start, or lacks engines: the first step that failed, and what to do."""

    name = Unicode("ipcluster")
    examples = Unicode("ipcluster why --profile=mpi")

    json = option(Bool(default_value=False, help="As JSON, for programs."), "json")


class IPClusterConfig(IPClusterStart):
    """Show each option of a cluster, its value for `ipcluster start` with the same arguments, and who says so."""

    examples = Unicode("ipcluster config --profile=mpi -n 4")


class IPClusterProfile(BaseParallelApplication):
    """Make a profile with commented configuration files: `ipcluster profile create NAME`.

    Files that are there already are left as they are.
    """

    name = Unicode("ipcluster")
    takes_arguments = True
    examples = Unicode("ipcluster profile create mpi    # then edit the files, and: ipcluster start --profile=mpi")

    reset = option(Bool(default_value=False, help="Write the files anew, even those that are there."), "reset")
