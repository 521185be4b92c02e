"""What a host starts by launchers: which way each kind of launcher goes, and the commands that it is given."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from engineroom.cluster.launchers.choose import launcher_for, options_of
from engineroom.cluster.launchers.launcher import CONTROLLER, ENGINE, Command, Telling
from engineroom.cluster.line.messages import Report
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.seats.seat import ControllerSeat
from engineroom.cluster.sets.engine_sets import EngineSets, EnginesHost
from engineroom.cluster.sets.launched import LaunchedEngines
from engineroom.errors import LaunchError
from engineroom.ids import Instance
from engineroom.settings.launchers import (
    BatchSystemLauncher,
    ControllerLauncher,
    EngineLauncher,
    LocalProcessLauncher,
    MPIControllerLauncher,
    MPILauncher,
    SSHControllerLauncher,
    SSHEngineSetLauncher,
    SSHProxyEngineSetLauncher,
    WindowsHPCLauncher,
)

_USUAL, _IN_JOBS = 60.0, 300.0
"""Seconds that engines look for a controller that is gone: by default, and in jobs."""


def launched_engines(plan: HostPlan, host: EnginesHost, shared: dict[str, Any]) -> EngineSets:
    """Return the engines of a host that the plan's launcher starts. `shared`: by the launchers of this host."""
    assert plan.engine_launcher is not None
    options = options_of(plan.engine_launcher)
    if not isinstance(options, EngineLauncher):
        raise LaunchError(f"{plan.engine_launcher.cls} starts no engines")
    if isinstance(options, SSHEngineSetLauncher | SSHProxyEngineSetLauncher) and not hasattr(options, "start"):
        from engineroom.cluster.ssh.near.engines import RemoteEngines  # other launchers do without

        return RemoteEngines(
            plan, options, report=host.report, on_change=host.engines_changed, on_exit=host.engine_exited
        )
    launcher = launcher_for(options, shared)
    engines = LaunchedEngines(
        plan,
        host.instance,
        launcher,
        make_command=lambda n, name: engines_command(plan, options, n, name),
        report=host.report,
        on_change=host.engines_changed,
        on_exit=host.engine_exited,
        dismiss=host.dismiss_engines,
    )
    if isinstance(launcher, Telling):

        def process_exited(pid: int, how: str, own: bool = False) -> None:  # noqa: FBT001, FBT002 (as launchers call it)
            host.process_exited(pid, how, own=own)
            engines.look()

        launcher.tell(process_exited)
    return engines


def launched_controller(
    plan: HostPlan, instance: Instance, report: Callable[[Report], None], shared: dict[str, Any]
) -> ControllerSeat:
    """Return the controller that the plan's launcher starts, for the host `instance`. `shared`: as for engines."""
    assert plan.controller_launcher is not None
    options = options_of(plan.controller_launcher)
    if not isinstance(options, ControllerLauncher):
        raise LaunchError(f"{plan.controller_launcher.cls} starts no controller")
    own = hasattr(options, "start")
    if isinstance(options, SSHControllerLauncher) and not own:
        from engineroom.cluster.ssh.near.controller import RemoteController  # other launchers do without

        return RemoteController(plan, options, report=report)
    if isinstance(options, MPIControllerLauncher) and not own and not options.controller_cmd:
        from engineroom.cluster.seats.child_line import controller_line, controller_log
        from engineroom.cluster.seats.mpi import MPIController  # only who asks for it loads it

        return MPIController(options, controller_line(plan), log_file=controller_log(plan))
    from engineroom.cluster.seats.launched import ControllerJob  # few controllers are jobs

    return ControllerJob(
        plan,
        instance,
        launcher_for(options, shared),
        controller_command(plan, options),
        seconds=options.connection_info_timeout,
        report=report,
    )


def engines_command(plan: HostPlan, options: EngineLauncher, n: int, name: str) -> Command:
    """Return what starts `n` engines as the set `name`."""
    return Command(
        role=ENGINE,
        name=f"engineroom-engines-{plan.cluster_id or plan.profile.name or 'cluster'}-{name}",
        argv=[
            *(options.engine_cmd or [sys.executable, "-P", "-m", "engineroom.cli.ipengine"]),
            *_common(plan),
            *_patience(plan, options),
            *_mpi(plan, options),
            *plan.engine_arguments,
            *options.engine_args,
        ],
        n=n,
        environment={**plan.engine_environment, **options.environment},
        work_dir=plan.engine.work_dir,
        log_file=str(plan.profile.log_file("ipengines", plan.cluster_id, name)),
        profile_dir=plan.profile_dir,
        cluster_id=plan.cluster_id,
    )


def controller_command(plan: HostPlan, options: ControllerLauncher) -> Command:
    """Return what starts the controller."""
    command = options.controller_cmd or [sys.executable, "-P", "-m", "engineroom.cli.ipcontroller"]
    return Command(
        role=CONTROLLER,
        name=f"engineroom-controller-{plan.cluster_id or plan.profile.name or 'cluster'}",
        argv=[
            *command,
            *_common(plan),
            *_here(plan, options),
            *plan.controller_arguments,
            *_place(plan),
            *options.controller_args,
        ],
        environment=dict(options.environment),
        log_file=str(plan.profile.log_file("ipcontroller", plan.cluster_id)),
        profile_dir=plan.profile_dir,
        cluster_id=plan.cluster_id,
    )


def _patience(plan: HostPlan, options: EngineLauncher) -> list[str]:
    """Return how long engines in jobs wait for a controller that is gone: who queued for them waits gladly."""
    if not isinstance(options, BatchSystemLauncher | WindowsHPCLauncher):
        return []
    said = plan.engine.reconnect_timeout
    return [f"--IPEngine.reconnect_timeout={_IN_JOBS if said == _USUAL else said:g}"]


def _here(plan: HostPlan, options: ControllerLauncher) -> list[str]:
    """Return what a controller on this machine listens on, unless it is told more: in jobs engines are elsewhere."""
    local = isinstance(options, LocalProcessLauncher) and not isinstance(options, SSHControllerLauncher)
    return [f"--ip={plan.controller.ip}"] if local and plan.controller is not None else []


def _place(plan: HostPlan) -> list[str]:
    """Return what `ipcluster` itself was told of the controller's address."""
    options = {"ip": plan.options.get("controller_ip"), "location": plan.options.get("controller_location")}
    return [f"--{name}={value}" for name, value in options.items() if value]


def _mpi(plan: HostPlan, options: EngineLauncher) -> list[str]:
    """Return what makes engines ranks, as the user has it or by mpi4py; an init_mpi is in the profile's file."""
    if not isinstance(options, MPILauncher):
        return []
    return ["--mpi"] if plan.engine.mpi in {"", "mpi4py"} else [f"--IPEngine.use_mpi={plan.engine.mpi}"]


def _common(plan: HostPlan) -> list[str]:
    arguments = [f"--profile-dir={plan.profile_dir}"]
    return [*arguments, f"--cluster-id={plan.cluster_id}"] if plan.cluster_id else arguments
