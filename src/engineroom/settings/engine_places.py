"""Where the engines of a cluster may be: on the controller's machine, or on others, to which it has to listen."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from traitlets.config import Config

from engineroom.settings.launcher_kinds import KINDS, loaded
from engineroom.settings.option import configured

if TYPE_CHECKING:
    from engineroom.settings.launchers import MPILauncher

_ALLOCATIONS = ("SLURM_JOB_ID", "PBS_NODEFILE", "PE_HOSTFILE", "LSB_HOSTS", "LSB_DJOB_HOSTFILE", "LOADL_HOSTFILE")
"""Variables by which mpiexec knows that machines are allocated to it."""

_HOST_ARGUMENTS = ("H", "default-hostfile", "f", "host", "hostfile", "hostlist", "hosts", "machine", "machinefile")


def may_be_elsewhere(
    launcher: str, config: Config, environment: Mapping[str, str] = os.environ, *, places: Sequence[str] = ()
) -> bool:
    """Return whether engines that `launcher` starts, with its options in `config`, may be on other machines.

    `places`: directories in which the module of a launcher of one's own may be. OptionError: it can't be had.
    """
    if launcher in KINDS and KINDS[launcher].elsewhere in {True, False}:
        return bool(KINDS[launcher].elsewhere)
    from engineroom.settings.launcher_classes import launcher_class  # many classes, and needed with few kinds

    cls = launcher_class(launcher, controller=False, places=places)
    match cls.launcher_kind.elsewhere:
        case str() as path:
            return bool(loaded(path)(configured(cls, config), environment))
        case elsewhere:
            return elsewhere


def by_mpiexec(options: MPILauncher, environment: Mapping[str, str]) -> bool:
    """Return whether mpiexec may use other machines: it is told to, or they are allocated to it."""
    return any(name in environment for name in _ALLOCATIONS) or any(
        argument.startswith("-") and argument.lstrip("-").partition("=")[0] in _HOST_ARGUMENTS
        for argument in options.mpi_args
    )
