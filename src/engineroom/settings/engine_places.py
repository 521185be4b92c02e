"""Where the engines of a cluster may be: on the controller's machine, or on others, to which it has to listen."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from traitlets.config import Config

from engineroom.settings.option import configured

_ALLOCATIONS = ("SLURM_JOB_ID", "PBS_NODEFILE", "PE_HOSTFILE", "LSB_HOSTS", "LSB_DJOB_HOSTFILE", "LOADL_HOSTFILE")
"""Variables by which mpiexec knows that machines are allocated to it."""

_HOST_ARGUMENTS = ("H", "default-hostfile", "f", "host", "hostfile", "hostlist", "hosts", "machine", "machinefile")


def may_be_elsewhere(launcher: str, config: Config, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether engines that `launcher` starts, with its options in `config`, may be on other machines."""
    if launcher != "MPI":
        return launcher != "Local"
    from engineroom.settings.launchers import MPIEngineSetLauncher  # many classes, and needed with MPI alone

    return mpiexec_goes_elsewhere(configured(MPIEngineSetLauncher, config).mpi_args, environment)


def mpiexec_goes_elsewhere(mpi_args: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Return whether mpiexec may use other machines: it is told to, or they are allocated to it."""
    return any(name in environment for name in _ALLOCATIONS) or any(
        argument.startswith("-") and argument.lstrip("-").partition("=")[0] in _HOST_ARGUMENTS for argument in mpi_args
    )
