"""The options of a cluster as a whole, and of the commands that start, stop and find clusters."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from traitlets import Bool, CaselessStrEnum, Dict, Int, List, Unicode
from traitlets.config import Config, Configurable

from engineroom.machine.own_modules import places_for
from engineroom.settings.amount_traits import Float, Resources, Size, Tags
from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.controller import HeartMonitor, IPController, TaskScheduler
from engineroom.settings.databases import DATABASES
from engineroom.settings.engine import IPEngine
from engineroom.settings.launcher_names import ENGINES, LauncherName
from engineroom.settings.option import option
from engineroom.settings.profiles import Profile

log = logging.getLogger(__name__)

STARTS_NOTHING: Mapping[str, str] = MappingProxyType(
    {
        "clean_logs": "it is for commands that start something",
        "log_to_file": "this command writes no log",
        "work_dir": "it is for commands that start something",
    }
)
_ALWAYS_LOGS: Mapping[str, str] = MappingProxyType({"log_to_file": "its processes always log to files"})


_OF_TRAITLETS = frozenset(dir(Configurable))
"""What completion of a cluster need not show."""


class Cluster(Configurable):
    """A controller and its engines."""

    old_classes: ClassVar[tuple[str, ...]] = ("IPClusterStart", "IPClusterEngines")

    n = option(Int(None, allow_none=True, min=0, help="Number of engines to start (default: one per core)."), "n")
    engine_launcher_class = option(
        LauncherName(role=ENGINES, suffixes=("EngineSetLauncher", "EngineLauncher")),
        "engines",
        old=("engine_set_launcher_class", "engine_set_launcher", "engine_launcher"),
    )
    controller_launcher_class = option(
        LauncherName(role="the controller", suffixes=("ControllerLauncher",)),
        "controller",
        old=("controller_launcher",),
    )
    controller_ip = option(Unicode("", help="Address to listen on; '*' means all addresses."), "ip")
    controller_location = option(
        Unicode("", help="Address at which others reach the controller, if it cannot be detected."), "location"
    )
    controller_args = option(List(Unicode(), help="Extra arguments for ipcontroller."))
    engine_timeout = option(Float(60, min=0, help="How long all engines together may take to register, in seconds."))
    engine_resources = option(
        Resources(help="What tasks can ask of these engines, as in 'gpu=1,memory=4GiB'."), "resources"
    )
    engine_tags = option(Tags(help="Names by which tasks can ask for these engines, as in 'bigmem,fast'."), "tags")
    engine_memory_limit = option(
        Size(
            help="Memory that an engine may take while a task runs, such as '2GiB'; beyond it the task fails with "
            "MemoryError (0: no limit)."
        ),
        "engine-memory-limit",
    )
    engine_environment = option(Dict(help="Extra environment variables for engines."))
    split = option(
        Bool(
            None,
            allow_none=True,
            help="Batch systems: submit each engine as a job of its own; --split=False submits one job for all.",
        ),
        "split",
    )
    delay = option(
        Float(
            0,
            min=0,
            help="Seconds to wait between starting the controller and starting the engines (normally 0).",
        ),
        "delay",
    )
    restart_dead_engines = option(
        Bool(default_value=True, help="Restart an engine that dies. It keeps its id and loses its namespace."),
        "restart-engines",
        shortcuts={"no-restart-engines": False},
    )
    restart_dead_controller = option(
        Bool(
            None,
            allow_none=True,
            help="Restart a controller that dies; engines and clients reconnect to it. The default is True, but False "
            "for a controller in a batch job, which would be submitted again.",
        ),
        "restart-controller",
        shortcuts={"no-restart-controller": False},
    )

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name.startswith("_") or name not in _OF_TRAITLETS]


class IPClusterEngines(BaseParallelApplication):
    """Start engines for a controller that is running, or will be."""

    name = Unicode("ipcluster")
    config_name = "ipcluster"
    subcommand = "engines"
    for_engines = True
    option_classes: ClassVar[tuple[type[Configurable], ...]] = (Cluster, IPEngine)
    flag_classes: ClassVar[tuple[type[Configurable], ...]] = (Cluster, IPEngine)
    no_effect = _ALWAYS_LOGS
    first: ClassVar[tuple[str, ...]] = (
        "-n 4",
        "--daemonize",
        "--profile=mpi",
        "--cluster-id=second",
        "--engines=MPI",
        "--file=engine.json",
        "--ssh=me@gateway",
        "--no-restart-engines",
        "--dry-run",
        "--debug",
    )
    examples = Unicode("ipcluster engines -n 4    # 4 engines for the default profile's controller")
    more_help = "To see the options of a launcher: ipcluster config --engines=SSH."

    dry_run = option(
        Bool(default_value=False, help="Print the scripts and commands that would be used; start nothing."),
        "dry-run",
        in_files=False,
    )
    daemonize = option(
        Bool(default_value=False, help="Return once everything is running, and leave it in the background."),
        "daemonize",
    )

    def rare_classes(self, config: Config) -> list[type[Configurable]]:
        from engineroom.settings.launcher_classes import own_launchers
        from engineroom.settings.launchers import LAUNCHER_CLASSES  # as the method says
        from engineroom.settings.winhpc import WINHPC_CLASSES

        said = config.BaseParallelApplication
        profile = Profile.find(said.get("profile"), profile_dir=said.get("profile_dir"))
        return [*LAUNCHER_CLASSES, *WINHPC_CLASSES, *own_launchers([config], places_for(profile.path))]


class IPClusterStart(IPClusterEngines):
    """Start a controller and engines."""

    subcommand = "start"
    arguments_shown = "[-- ipcontroller options]"
    option_classes = (Cluster, TaskScheduler, HeartMonitor, *DATABASES, IPController, IPEngine)
    flag_classes = (Cluster, TaskScheduler, HeartMonitor, IPController)
    more_help = "Arguments after `--` are passed to ipcontroller. " + IPClusterEngines.more_help
    first: ClassVar[tuple[str, ...]] = (
        "-n 4",
        "--daemonize",
        "--profile=mpi",
        "--cluster-id=second",
        "--engines=MPI",
        "--controller=SSH",
        "--ip='*'",
        "--no-restart-engines",
        "--dry-run",
        "--debug",
    )
    examples = Unicode("ipcluster start -n 4 --daemonize    # 4 engines, in the background")


class IPClusterStop(BaseParallelApplication):
    """Stop a cluster: the profile's, or those whose ids are given."""

    name = Unicode("ipcluster")
    config_name = "ipcluster"
    subcommand = "stop"
    takes_arguments = True
    arguments_shown = "[CLUSTER_ID ...]"
    no_effect = STARTS_NOTHING
    files_may_fail = True  # what runs can be stopped
    first = ("--all", "--profile=mpi", "--profile-dir=DIR", "--cluster-id=second", "--timeout=30")
    examples = Unicode("ipcluster stop second third    # the clusters with these ids")

    all_cluster_ids = option(Bool(default_value=False, help="Stop all running clusters of the profile."), "all")
    timeout = option(Float(10, min=0, help="Seconds to wait for the cluster to stop before killing it."), "timeout")


class IPClusterList(BaseParallelApplication):
    """List the clusters of all profiles, or of one."""

    name = Unicode("ipcluster")
    subcommand = "list"
    no_effect = STARTS_NOTHING
    first = ("-o json", "--profile=mpi", "--profile-dir=DIR", "--cluster-id=second", "--ipython-dir=DIR")

    output_format = option(CaselessStrEnum(("text", "json"), "text", help="Output format: text or json."), "o")


class IPClusterClean(BaseParallelApplication):
    """Remove what ended clusters left behind: logs, sockets, and pid, connection and cluster files."""

    name = Unicode("ipcluster")
    subcommand = "clean"
    no_effect = STARTS_NOTHING
    first = ("--all", "--force", "--profile=mpi", "--profile-dir=DIR", "--cluster-id=second")
    examples = Unicode("ipcluster clean --all    # of all profiles; running clusters are left alone")

    force = option(Bool(default_value=False, help="Stop running clusters first."), "force")
    all_profiles = option(Bool(default_value=False, help="Clean all profiles."), "all")


class IPClusterLogs(BaseParallelApplication):
    """Show the logs of a cluster.

    Without arguments, of all its processes; otherwise of those given: controller, ipcluster, or an engine's id.
    """

    name = Unicode("ipcluster")
    subcommand = "logs"
    takes_arguments = True
    arguments_shown = "[PROCESS ...]"
    no_effect = STARTS_NOTHING
    first = ("-f", "--lines=100", "--profile=mpi", "--profile-dir=DIR", "--cluster-id=second")
    examples = Unicode("ipcluster logs controller 3    # of the controller and of engine 3")

    follow = option(
        Bool(default_value=False, help="Follow: keep printing new lines as they are written."), "f", "follow"
    )
    lines = option(Int(20, min=0, help="Number of lines to print from the end of each log (0: all)."), "lines")


class IPClusterWhy(BaseParallelApplication):
    """Explain why a cluster does not start or lacks engines: the first step that failed, and how to fix it."""

    name = Unicode("ipcluster")
    subcommand = "why"
    no_effect = STARTS_NOTHING
    first = ("--profile=mpi", "--profile-dir=DIR", "--cluster-id=second", "--json")
    examples = Unicode("ipcluster why --profile=mpi")

    json = option(Bool(default_value=False, help="Print JSON, for programs."), "json")


class Asking(BaseParallelApplication):
    """A command that asks a running cluster, or reads what it has left in a file."""

    name = Unicode("ipcluster")
    no_effect = STARTS_NOTHING

    url_file = option(
        Unicode("", help="Connection file (default: the one in the profile's security directory)."), "file"
    )
    timeout = option(
        Float(10, min=0, help="Seconds to wait for the controller; by default, only if one runs or is starting."),
        "timeout",
    )


class IPClusterConsole(Asking):
    """Open a console on one engine; without an id, list the engines.

    What is piped in runs as one cell.
    """

    subcommand = "console"
    takes_arguments = True
    arguments_shown = "[ENGINE]"
    first = ("--profile=mpi", "--profile-dir=DIR", "--cluster-id=second", "--file=client.json", "--ssh=me@gateway")
    examples = Unicode("ipcluster console 3    # what is typed runs on engine 3")

    sshserver = option(
        Unicode("", help="SSH server to tunnel through, [user@]host[:port]; overrides the connection file."), "ssh"
    )


class IPClusterConfig(IPClusterStart):
    """Show every option, its value and where it was set, for `ipcluster start` with the same arguments."""

    subcommand = "config"
    no_effect: ClassVar[Mapping[str, str]] = {
        **STARTS_NOTHING,
        "show_config": "`ipcluster config` shows every option, also those that nobody set",
        "show_config_json": "`ipcluster config` prints text",
        "init": "create a profile by `ipcluster profile create`",
    }
    first = ("-n 4", "--profile=mpi", "--profile-dir=DIR", "--config=more.py", "--engines=MPI", "--controller=SSH")
    examples = Unicode("ipcluster config --profile=mpi -n 4")


class IPClusterProfile(BaseParallelApplication):
    """Create a profile with commented configuration files: `ipcluster profile create NAME`.

    Existing files are left unchanged.
    """

    name = Unicode("ipcluster")
    subcommand = "profile"
    takes_arguments = True
    arguments_shown = "create [NAME]"
    no_effect: ClassVar[Mapping[str, str]] = {
        **STARTS_NOTHING,
        "cluster_id": "a profile may have any number of clusters",
        "config_file": "it is for commands that read options",
        "init": "`ipcluster profile create` does just that",
        "log_level": "this command writes no log",
    }
    first = ("--reset", "--profile-dir=DIR", "--ipython-dir=DIR")
    examples = Unicode("ipcluster profile create mpi    # then edit its files")

    reset = option(Bool(default_value=False, help="Overwrite existing files."), "reset")
