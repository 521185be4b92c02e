"""What a host starts by launchers: the engines and the controller, as the kind of their launcher has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engineroom.cluster.launchers.choose import launcher_for, options_of
from engineroom.cluster.launchers.polling import Polling
from engineroom.cluster.line.messages import Report
from engineroom.cluster.plan.commands import controller_command, engines_command
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.seats.seat import ControllerSeat
from engineroom.cluster.sets.engine_sets import EngineSets, EnginesHost
from engineroom.errors import LaunchError
from engineroom.ids import Instance
from engineroom.settings.launcher_kinds import CONTROLLER, ENGINE, loaded
from engineroom.settings.launchers import ControllerLauncher, EngineLauncher, MPIControllerLauncher


def launched_engines(plan: HostPlan, host: EnginesHost, shared: dict[str, Any]) -> EngineSets:
    """Return the engines of a host that the plan's launcher starts. `shared`: by the launchers of this host."""
    assert plan.engine_launcher is not None
    options = options_of(plan.engine_launcher)
    if ENGINE not in options.launcher_roles:
        raise LaunchError(f"{plan.engine_launcher.cls} starts no engines")
    engines: EngineSets = loaded(options.launcher_kind.engines)(plan, options, host, shared)
    return engines


def launched_controller(
    plan: HostPlan, instance: Instance, report: Callable[[Report], None], shared: dict[str, Any]
) -> ControllerSeat:
    """Return the controller that the plan's launcher starts, for the host `instance`. `shared`: as for engines."""
    assert plan.controller_launcher is not None
    options = options_of(plan.controller_launcher)
    if CONTROLLER not in options.launcher_roles:
        raise LaunchError(f"{plan.controller_launcher.cls} starts no controller")
    seat: ControllerSeat = loaded(options.launcher_kind.controller)(plan, options, instance, report, shared)
    return seat


def launched_set(plan: HostPlan, options: EngineLauncher, host: EnginesHost, shared: dict[str, Any]) -> EngineSets:
    """Return engines that a launcher starts a set at a time."""
    from engineroom.cluster.sets.launched import LaunchedEngines  # engines by ssh do without

    return LaunchedEngines(
        plan,
        host,
        launcher_for(options, shared),
        make_command=lambda n, name: engines_command(plan, options, n, name),
        polling=Polling.of(shared),
    )


def launched_seat(
    plan: HostPlan,
    options: ControllerLauncher,
    instance: Instance,
    report: Callable[[Report], None],
    shared: dict[str, Any],
) -> ControllerSeat:
    """Return a controller that a launcher starts, and that reads its profile by itself."""
    from engineroom.cluster.seats.launched import ControllerJob  # few controllers are jobs

    return ControllerJob(
        plan,
        instance,
        launcher_for(options, shared),
        controller_command(plan, options),
        seconds=options.connection_info_timeout,
        report=report,
        polling=Polling.of(shared),
    )


def mpi_seat(
    plan: HostPlan,
    options: MPIControllerLauncher,
    instance: Instance,
    report: Callable[[Report], None],
    shared: dict[str, Any],
) -> ControllerSeat:
    """Return a controller that mpiexec starts; by a command of the user's own, one as any launcher starts it."""
    if options.controller_cmd:
        return launched_seat(plan, options, instance, report, shared)
    from engineroom.cluster.seats.child_line import controller_line, controller_log
    from engineroom.cluster.seats.mpi import MPIController  # only who asks for it loads it

    return MPIController(options, controller_line(plan), log_file=controller_log(plan))
