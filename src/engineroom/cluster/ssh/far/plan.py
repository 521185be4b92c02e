"""The plan of a remote host: from the profile of its own machine, and from what its owner sent, which counts more."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec

from engineroom.cluster.launchers.spec import LauncherSpec
from engineroom.cluster.plan.host_plan import TO_KILL, HostPlan
from engineroom.cluster.plan.making import host_plan
from engineroom.cluster.plan.programs import engine_config
from engineroom.cluster.ssh.far.addresses import with_address
from engineroom.cluster.ssh.far.door import door_path
from engineroom.cluster.ssh.far.options import layered
from engineroom.cluster.ssh.messages import EnginesPart, RemotePlan
from engineroom.machine.private_files import write_private
from engineroom.settings.cluster import Cluster as ClusterOptions
from engineroom.settings.cluster import IPClusterEngines
from engineroom.settings.engine import IPEngine
from engineroom.settings.option import configured
from engineroom.settings.profiles import Profile


class PlanHere(msgspec.Struct):
    """`plan`: what the host does. `file`: the connection file that was written for it, to be removed at the end."""

    plan: HostPlan
    file: Path | None


def plan_here(plan: RemotePlan, part: EnginesPart) -> PlanHere:
    """Return the plan, its profile's directories made and the connection file in place.

    OptionError, ProfileError: the profile there can't be used.
    """
    place = [f"--profile-dir={plan.profile_dir}" if plan.profile_dir else f"--profile={plan.profile or 'default'}"]
    if plan.cluster_id:
        place.append(f"--cluster-id={plan.cluster_id}")
    place.append(f"--log-level={plan.log_level}")
    return _of_engines(plan, part, place) if part.ipcluster is None else _of_ipcluster(plan, part, place)


def _of_engines(plan: RemotePlan, part: EnginesPart, place: list[str]) -> PlanHere:
    """Return what `ipengine` would do, several times."""
    options = layered(IPEngine, [*place, *part.usual], part.arguments)
    profile = options.profile_directory
    profile.prepare()
    file = None if options.url_file else _connection_file(plan, part, profile)
    options.url_file = str(file or options.url_file)
    made = HostPlan(
        profile_dir=str(profile.path),
        cluster_id=options.cluster_id,
        engine=engine_config(options),
        restart_engines=part.restart_engines,
        log_level=plan.log_level,
    )
    return PlanHere(_as_owner_wants(made, plan, part), file)


def _of_ipcluster(plan: RemotePlan, part: EnginesPart, place: list[str]) -> PlanHere:
    """Return what `ipcluster engines` would do: it may hand on to a batch system, or to MPI."""
    options = layered(IPClusterEngines, [*place, *part.usual], [*part.arguments, *(part.ipcluster or [])])
    profile = options.profile_directory
    profile.prepare()
    made = host_plan(
        configured(ClusterOptions, options.config),
        profile=profile,
        cluster_id=options.cluster_id,
        log_level=options.log_level,
        with_controller=False,
    )
    file = _connection_file(plan, part, profile)
    made = msgspec.structs.replace(
        made,
        engine=msgspec.structs.replace(made.engine, connection_file=str(file)),
        engine_launcher=None if made.engine_launcher is None else _with_file(made.engine_launcher, file),
    )
    return PlanHere(_as_owner_wants(made, plan, part), file)


def _with_file(launcher: LauncherSpec, file: Path) -> LauncherSpec:
    engine_args = [*launcher.options.get("engine_args", []), f"--file={file}"]
    return msgspec.structs.replace(launcher, options={**launcher.options, "engine_args": engine_args})


def _as_owner_wants(made: HostPlan, plan: RemotePlan, part: EnginesPart) -> HostPlan:
    grace = max(made.grace, part.grace)
    return msgspec.structs.replace(
        made,
        engine_environment={**made.engine_environment, **plan.environment},
        engine_timeout=part.engine_timeout,
        delay=made.delay or part.delay,
        grace=grace,
        stop_timeout=max(made.stop_timeout, grace + TO_KILL),
    )


def _connection_file(plan: RemotePlan, part: EnginesPart, profile: Profile) -> Path:
    """Write the connection file that was sent along; what hosts left that were killed is removed."""
    _remove_leftovers(profile)
    file = profile.security_dir / f"{_prefix()}{plan.door}.json"
    write_private(file, _with_owner(part).encode())
    return file


def _prefix() -> str:
    """Return how the names of our connection files begin: other machines may share the directory."""
    return f"ipcontroller-remote-{socket.gethostname()}-"


def _remove_leftovers(profile: Profile) -> None:
    for file in profile.security_dir.glob(f"{_prefix()}*.json"):
        if not door_path(file.stem.removeprefix(_prefix())).exists():  # our own is open, and dead ones are gone by that
            file.unlink(missing_ok=True)


def _with_owner(part: EnginesPart) -> str:
    """Return the connection file, and in it the address that ssh came from, if the controller is there too.

    A machine with several networks can't know by which of them we see it.
    """
    where = os.environ.get("SSH_CONNECTION", "").split()
    return with_address(part.connection_file, where[0]) if where and part.controller_at_owner else part.connection_file
