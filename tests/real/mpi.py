"""Open MPI and MPICH, side by side: each with a `mpiexec` of its own, and what mpi4py needs to use its library."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.real.installing import install

_MPICH_LIBRARY = "libmpich.so.12"


@dataclass(frozen=True)
class Mpi:
    """One MPI. `path`: the directory with its mpiexec; `environment`: what else its users set."""

    name: str
    path: Path
    environment: dict[str, str] = field(default_factory=dict)


def open_mpi(directory: Path) -> Mpi:
    """Return Open MPI, which is told that root and more processes than cores are meant."""
    install("openmpi-bin", command="mpiexec.openmpi")
    _write_mpiexec(directory, "mpiexec.openmpi --oversubscribe")
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return Mpi("Open MPI", directory, allowed)


def mpich(directory: Path) -> Mpi:
    """Return MPICH, whose library mpi4py looks for under the name that it has elsewhere than on Debian."""
    install("mpich", command="mpiexec.mpich")
    _write_mpiexec(directory, "mpiexec.mpich")
    (directory / "libmpi.so.12").symlink_to(next(Path("/usr/lib").glob(f"*/{_MPICH_LIBRARY}")))
    return Mpi("MPICH", directory, {"MPI4PY_MPIABI": "mpich", "LD_LIBRARY_PATH": str(directory)})


def _write_mpiexec(directory: Path, command: str) -> None:
    script = directory / "mpiexec"
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
