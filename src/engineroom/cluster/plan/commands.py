"""The commands that launchers are given to start: engines and controllers that read their profile by themselves."""

from __future__ import annotations

import sys

from engineroom.cluster.launchers.launcher import CONTROLLER, ENGINE, Command
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.settings.launchers import ControllerLauncher, EngineLauncher

_USUAL, _IN_JOBS = 60.0, 300.0
"""Seconds that engines look for a controller that is gone: by default, and in jobs."""


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
            *(["--restore"] if plan.controller is not None and plan.controller.restore else []),
        ],
        environment=dict(options.environment),
        log_file=str(plan.profile.log_file("ipcontroller", plan.cluster_id)),
        profile_dir=plan.profile_dir,
        cluster_id=plan.cluster_id,
    )


def _patience(plan: HostPlan, options: EngineLauncher) -> list[str]:
    """Return how long engines in jobs wait for a controller that is gone: who queued for them waits gladly."""
    if not options.launcher_kind.in_jobs:
        return []
    said = plan.engine.reconnect_timeout
    return [f"--IPEngine.reconnect_timeout={_IN_JOBS if said == _USUAL else said:g}"]


def _here(plan: HostPlan, options: ControllerLauncher) -> list[str]:
    """Return what a controller on this machine listens on, unless it is told more: in jobs engines are elsewhere."""
    return [f"--ip={plan.controller.ip}"] if options.launcher_kind.here and plan.controller is not None else []


def _place(plan: HostPlan) -> list[str]:
    """Return what `ipcluster` itself was told of the controller's address."""
    options = {"ip": plan.options.get("controller_ip"), "location": plan.options.get("controller_location")}
    return [f"--{name}={value}" for name, value in options.items() if value]


def _mpi(plan: HostPlan, options: EngineLauncher) -> list[str]:
    """Return what makes engines ranks, as the user has it or by mpi4py; an init_mpi is in the profile's file."""
    if not options.launcher_kind.ranks:
        return []
    return ["--mpi"] if plan.engine.mpi in {"", "mpi4py"} else [f"--IPEngine.use_mpi={plan.engine.mpi}"]


def _common(plan: HostPlan) -> list[str]:
    arguments = [f"--profile-dir={plan.profile_dir}"]
    return [*arguments, f"--cluster-id={plan.cluster_id}"] if plan.cluster_id else arguments
