"""Which rank an engine is, and what is said when its MPI does not work."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from engineroom.engine import mpi
from engineroom.engine.mpi import Rank, own_rank

OPEN_MPI = {"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "3"}
MPICH = {"PMI_RANK": "1", "PMI_SIZE": "2", "PMI_FD": "8"}
SRUN = {"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "8", "SLURM_JOB_ID": "1"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (OPEN_MPI, Rank(3, 4)),
        (MPICH, Rank(1, 2)),
        (SRUN, Rank(5, 8)),
        ({**SRUN, **MPICH}, Rank(1, 2)),
        ({"PMIX_RANK": "2"}, Rank(2, 0)),
        ({"SLURM_PROCID": "0", "SLURM_JOB_ID": "1"}, None),  # a batch script, not srun
        ({"PMI_RANK": "?"}, None),
        ({}, None),
    ],
)
def test_whoever_starts_a_world_says_who_is_who(environment: dict[str, str], expected: Rank | None) -> None:
    assert own_rank(environment) == expected


class World(SimpleNamespace):
    """What mpi4py.MPI is like; `size` as it says it."""

    size: int

    def __getattr__(self, name: str) -> Any:
        answers = {
            "Is_initialized": True,
            "Is_finalized": False,
            "Get_size": self.size,
            "Get_rank": 0,
            "Get_library_version": "Open MPI v4.1.4, package: x",
        }
        return self if name == "COMM_WORLD" else lambda: answers[name]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> World:
    """Have mpi4py loaded, with a world of one."""
    for name in (*OPEN_MPI, *MPICH, *SRUN):
        monkeypatch.delenv(name, raising=False)
    world = World(size=1)
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", world)
    return world


def test_worlds_of_one_are_noticed(loaded: World) -> None:
    words = mpi.mismatch(MPICH)
    assert "started 2 processes, but mpi4py uses Open MPI v4.1.4, which cannot see them" in words
    assert "['mpiexec.openmpi'], or make mpi4py load the other library" in words
    assert "MPI4PY_MPIABI=mpich" in words
    assert "MPI4PY_MPIABI=openmpi" in mpi.mismatch(OPEN_MPI)


@pytest.mark.parametrize("environment", [{}, {"PMI_RANK": "0", "PMI_SIZE": "1"}])
def test_a_world_of_one_that_is_meant_is_fine(loaded: World, environment: dict[str, str]) -> None:
    assert mpi.mismatch(environment) == ""


def test_a_whole_world_is_fine(loaded: World) -> None:
    loaded.size = 2
    assert mpi.mismatch(MPICH) == ""


def test_the_rank_is_what_mpi_says_where_nobody_else_does(loaded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mpi.known_rank() is None
    loaded.size = 3
    assert mpi.known_rank() == Rank(0, 3)
    monkeypatch.setenv("PMIX_RANK", "2")
    assert mpi.known_rank() == Rank(2, 3)


@pytest.mark.parametrize(("kind", "module"), [("mpi4py", "mpi4py.MPI"), ("pytrilinos", "PyTrilinos.Epetra")])
def test_what_is_not_installed_is_named(kind: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])

    monkeypatch.setattr(mpi, "import_module", missing)
    assert f"MPI: {kind} is not installed for {sys.executable}: " in mpi.begin(kind, "", exec)


def test_own_code_comes_instead(loaded: World) -> None:
    ran: list[str] = []
    assert mpi.begin("pytrilinos", "import my_mpi", ran.append) == ""
    assert ran == ["import my_mpi"]


def test_own_code_that_fails_is_told() -> None:
    assert mpi.begin("", "1 / 0", exec) == "init_mpi: ZeroDivisionError: division by zero"
