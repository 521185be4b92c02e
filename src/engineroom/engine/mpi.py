"""An engine as a rank of an MPI world: its rank, known before MPI is loaded; initializing and ending MPI."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

_OF_OPEN_MPI = ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")
_VARIABLES = (
    _OF_OPEN_MPI,
    ("PMI_RANK", "PMI_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
    ("PALS_RANKID", ""),
    ("PMIX_RANK", ""),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),  # srun; in a plain batch script, the second is not there
)
"""Where the ways to start a world say rank and size, those that know best first; "": they do not say it."""

MODULES = {"mpi4py": "mpi4py.MPI", "pytrilinos": "PyTrilinos.Epetra"}
"""What is imported for each kind of MPI."""

_INSTALL = {
    "mpi4py": "install it there: pip install mpi4py",
    "pytrilinos": "it comes with Trilinos built with PyTrilinos enabled; or use mpi4py: c.MPI.use = 'mpi4py'",
}


class Rank(NamedTuple):
    """A rank in a world. `size`: 0 if unknown."""

    rank: int
    size: int


def own_rank(environment: Mapping[str, str] = os.environ) -> Rank | None:
    """Return the rank given by the program that started this process; None if it was started alone."""
    for rank, size in _VARIABLES:
        if environment.get(rank, "").isdecimal() and (not size or rank != "SLURM_PROCID" or size in environment):
            said = environment.get(size, "") if size else ""
            return Rank(int(environment[rank]), int(said) if said.isdecimal() else 0)
    return None


def begin(kind: str, script: str, run_script: Callable[[str], object]) -> str:
    """Have MPI initialised, as `kind` of `MODULES` does it or as the user's own `script`; return "" or what is wrong.

    In the main thread, and before anything is said to the controller: who meets in MPI_Init may wait for the others.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # mpi4py's guess at what `mismatch` says
            if script:
                run_script(script)
            elif kind:
                import_module(MODULES[kind])
    except ModuleNotFoundError as error:
        if not kind or script or error.name not in {MODULES[kind], MODULES[kind].partition(".")[0]}:
            return f"init_mpi: {error}"
        return f"MPI: {kind} is not installed for {sys.executable}: {_INSTALL[kind]}"
    except BaseException as error:  # noqa: BLE001 (the user's code, or a library's: the engine starts, and says it)
        return f"{'init_mpi' if script else f'MPI by {kind}'}: {type(error).__name__}: {error}"
    return mismatch()


def mismatch(environment: Mapping[str, str] = os.environ) -> str:
    """Return a message if MPI has made a world of one process although there are more; "" if all is well."""
    said, world = own_rank(environment), _world()
    if said is None or said.size < 2 or world is None or world.Get_size() != 1:
        return ""
    library = _library()
    by_open_mpi = _OF_OPEN_MPI[1] in environment
    started_by, other, abi = (
        ("Open MPI's", "mpich", "openmpi") if by_open_mpi else ("not Open MPI's", "openmpi", "mpich")
    )
    return (
        f"each engine is an MPI world of its own: mpiexec, which is {started_by}, started {said.size} processes, "
        f"but mpi4py uses {library}, which cannot see them. Use the same MPI for both: either set the other "
        f"mpiexec, c.MPILauncher.mpi_cmd = ['mpiexec.{other}'], or make mpi4py load the other library by setting "
        f"the environment variable MPI4PY_MPIABI={abi}"
    )


def known_rank() -> Rank | None:
    """Return our place: as the environment says it, else as MPI does, None if we are alone."""
    said, world = own_rank(), _world()
    if said is None:
        return Rank(world.Get_rank(), world.Get_size()) if world is not None and world.Get_size() > 1 else None
    return said if said.size or world is None else Rank(said.rank, world.Get_size())


def began() -> bool:
    """Return whether mpi4py has been loaded in this process."""
    return _mpi() is not None


def end(exit_code: int) -> None:
    """Leave the world in good order, which waits for its other ranks; at once if something is wrong.

    mpiexec takes an exit without MPI_Finalize for a crash and ends the world. That is right if something is wrong.
    """
    if _world() is None:
        return
    if exit_code:
        os._exit(exit_code)
    _mpi().Finalize()


def _mpi() -> Any:
    return sys.modules.get("mpi4py.MPI")


def _world() -> Any:
    """Return MPI's world if mpi4py is loaded and initialized, else None."""
    mpi = _mpi()
    if mpi is None or not mpi.Is_initialized() or mpi.Is_finalized():
        return None
    return mpi.COMM_WORLD


def _library() -> str:
    return str(_mpi().Get_library_version()).partition("\n")[0].partition(",")[0].replace("\t", " ").strip("\0 ")
