"""The kinds of launchers, a row each: what the rest of a cluster has to know of a launcher, beside its options.

A class with options has its row as `launcher_kind`, and so have classes derived from it. What a row does is named as
"module:function", and loaded when a cluster needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import msgspec

from engineroom.errors import LaunchError

ENGINE, CONTROLLER = "engine", "controller"
"""What a launcher may start."""

_LAUNCHERS, _PLAN = "engineroom.cluster.launchers", "engineroom.cluster.plan"
_HOST, _NEAR = "engineroom.cluster.host.launching", "engineroom.cluster.ssh.near"
_DRY_RUN = "engineroom.cluster.commands.dry_run"


class Kind(msgspec.Struct, frozen=True):
    """One kind of launcher. The defaults are those of a class that has methods of its own to start things."""

    name: str
    """Short name, as users write it, in any case."""
    also: tuple[str, ...] = ()
    """Its earlier short names."""
    classes: dict[str, str] = {}
    """By role, the name of the class with its options, in `settings/launchers.py`. A class of your own needs none."""

    launcher: str = f"{_LAUNCHERS}.own:own_launcher"
    """Makes what starts things: (options, what the launchers of one host share) -> Launcher."""
    engines: str = f"{_HOST}:launched_set"
    """Makes what looks after its engines: (plan, options, host, shared) -> EngineSets."""
    controller: str = f"{_HOST}:launched_seat"
    """Makes what looks after its controller: (plan, options, instance of host, report, shared) -> ControllerSeat."""
    dry_run: str = f"{_DRY_RUN}:as_launcher_says"
    """Says what would be started: (options, command) -> text."""
    stop_seconds: str = f"{_PLAN}.stop_seconds:as_launcher_says"
    """Says how long all that it started may take to end: (options) -> seconds."""
    count: str = f"{_LAUNCHERS}.ssh.places:count_of"
    """Says how many engines there are if nobody gives `n`: (options that are set) -> number, None: one a core."""
    remarks: str = ""
    """Says what has no effect, beside options that never have: (options, directory of the profile) -> lines of text."""
    shares: str = ""
    """By ssh, says which machines get how many engines: (options) -> shares."""
    system: str = ""
    """Which batch system has its jobs, by its name in `cluster/launchers/systems/registry.py`."""

    elsewhere: bool | str = True
    """Engines may be on other machines, so that their controller has to listen to these; or says so: (options,
    environment) -> bool."""
    in_jobs: bool = False
    """Engines run in jobs: who queued for them waits longer for a controller that is gone."""
    ranks: bool = False
    """Engines are the ranks of an MPI world."""
    restarts: bool = False
    """Engines that die can be started again, one by one."""
    here: bool = False
    """A controller is on this machine, and listens on what the plan says."""
    controller_by_plan: bool = False
    """A controller is told all of its options by the plan, and not by arguments."""
    by_host: dict[str, tuple[str, ...]] = {}
    """The host itself starts them. By role, the options that make it a launcher's work when they are set."""

    def with_methods(self) -> Kind:
        """Return the row of a class that is derived from one of this kind, and starts things by methods of its own."""
        told = {name: getattr(self, name) for name in _KEPT}
        return Kind(self.name, **told)


_KEPT = ("count", "remarks", "in_jobs", "ranks", "here")
"""Columns that hold for whatever a derived class starts, in whichever way it does."""

OWN = Kind("Own")
"""The kind of classes that are derived from none of ours, or from one that starts nothing."""


def _classes(name: str, controller: str = "") -> dict[str, str]:
    return {CONTROLLER: f"{controller or name}ControllerLauncher", ENGINE: f"{name}EngineSetLauncher"}


def _batch(name: str, system: str = "", also: tuple[str, ...] = ()) -> Kind:
    """Return the row of a batch system: what differs between these is data."""
    return Kind(
        name,
        also,
        _classes(name),
        launcher=f"{_LAUNCHERS}.batch:BatchLauncher",
        remarks=f"{_PLAN}.no_effect:not_in_template",
        count="",
        system=system or name,
        in_jobs=True,
    )


_ROWS = (
    Kind(
        "Local",
        classes=_classes("Local"),
        launcher=f"{_LAUNCHERS}.guarded:guarded_processes",
        dry_run=f"{_DRY_RUN}:as_command",
        stop_seconds=f"{_PLAN}.stop_seconds:of_processes",
        count="",
        elsewhere=False,
        here=True,
        controller_by_plan=True,
        by_host={ENGINE: ("engine_cmd", "engine_args"), CONTROLLER: ("controller_cmd",)},
    ),
    Kind(
        "SSH",
        classes=_classes("SSH"),
        engines=f"{_NEAR}.engines:set_by_ssh",
        controller=f"{_NEAR}.controller:seat_by_ssh",
        dry_run=f"{_DRY_RUN}:by_ssh",
        stop_seconds=f"{_PLAN}.stop_seconds:by_ssh",
        shares=f"{_LAUNCHERS}.ssh.places:shares_of",
        restarts=True,
    ),
    Kind(
        "MPI",
        ("MPIExec",),
        _classes("MPI"),
        launcher=f"{_LAUNCHERS}.mpi:mpi_ranks",
        controller=f"{_HOST}:mpi_seat",
        stop_seconds=f"{_PLAN}.stop_seconds:of_processes",
        count="",
        elsewhere="engineroom.settings.engine_places:by_mpiexec",
        ranks=True,
        here=True,
        controller_by_plan=True,
    ),
    _batch("PBS"),
    _batch("SGE", "Grid Engine"),
    _batch("Slurm", also=("SLURM",)),
    _batch("LSF"),
    _batch("HTCondor"),
    Kind(
        "WindowsHPC",
        ("WinHPC",),
        _classes("WindowsHPC"),
        launcher=f"{_LAUNCHERS}.winhpc.launcher:WindowsHPC",
        count="",
        in_jobs=True,
    ),
    Kind(
        "SSHProxy",
        classes=_classes("SSHProxy", controller="SSH"),
        engines=f"{_NEAR}.engines:set_by_ssh",
        controller=f"{_NEAR}.controller:seat_by_ssh",
        dry_run=f"{_DRY_RUN}:by_ssh",
        stop_seconds=f"{_PLAN}.stop_seconds:by_ssh",
        count="",
        shares=f"{_LAUNCHERS}.ssh.places:shares_of_proxy",
        restarts=True,
    ),
    _batch("Batch", also=("BatchSystem",)),
)

KINDS: Mapping[str, Kind] = MappingProxyType({row.name: row for row in _ROWS})
"""By short name, our kinds of launchers, in the order in which they are told."""


def loaded(path: str) -> Any:
    """Return what a row names as "module:function"; LaunchError: it is not there."""
    module, _, name = path.partition(":")
    try:
        return getattr(import_module(module), name)
    except (AttributeError, ImportError, ValueError) as error:
        raise LaunchError(f"the kind of a launcher names {path!r}, which cannot be loaded: {error}") from error
