"""Which batch systems there are."""

from __future__ import annotations

from importlib import import_module

from engineroom.cluster.launchers.systems.system import BatchSystem
from engineroom.errors import LaunchError
from engineroom.settings.launchers import BatchSystemLauncher

_SYSTEMS = {
    "Batch": ("generic", "GENERIC"),
    "Grid Engine": ("sge", "SGE"),
    "HTCondor": ("htcondor", "HTCONDOR"),
    "LSF": ("lsf", "LSF"),
    "PBS": ("pbs", "TORQUE"),
    "PBS Pro": ("pbs", "PBS_PRO"),
    "Slurm": ("slurm", "SLURM"),
    "Torque": ("pbs", "TORQUE"),
    "Windows HPC Server": ("winhpc", "WINHPC"),
}
"""By the name of a system, the module with its data, and what it is called there."""


def system_called(name: str) -> BatchSystem:
    """Return the batch system with this name, one of ours."""
    if name not in _SYSTEMS:
        raise LaunchError(f"unknown batch system {name}; the known ones are {', '.join(_SYSTEMS)}")
    module, data = _SYSTEMS[name]
    found = getattr(import_module(f"engineroom.cluster.launchers.systems.{module}"), data)
    assert isinstance(found, BatchSystem)
    return found


def system_of(options: BatchSystemLauncher) -> BatchSystem:
    """Return the batch system that options of this class, or of one derived from it, are for.

    A class of the user's own may describe hers, as its attribute `batch_system`.
    """
    own = options.batch_system
    return own if isinstance(own, BatchSystem) else system_called(options.launcher_kind.system)
