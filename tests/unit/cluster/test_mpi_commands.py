"""What mpiexec is told, and where engines may be then."""

from __future__ import annotations

import pytest
from traitlets.config import Config

from engineroom.cluster.launchers.guarded import telling
from engineroom.cluster.launchers.launcher import ENGINE, Command
from engineroom.cluster.launchers.mpi import MPIRanks
from engineroom.settings.engine import IPEngine
from engineroom.settings.engine_places import may_be_elsewhere
from engineroom.settings.launchers import MPIEngineSetLauncher
from engineroom.settings.option import OptionError
from engineroom.settings.reading import read_application
from engineroom.trail.fixes import fix_for
from engineroom.trail.launches import VARIABLE


def test_one_mpiexec_starts_all_and_takes_the_variables_along() -> None:
    ranks = MPIRanks(MPIEngineSetLauncher(mpi_cmd=["mpirun", "-q"], mpi_args=["--oversubscribe"]))
    command = Command(role=ENGINE, name="x", argv=["ipengine", "--mpi"], n=4, environment={VARIABLE: "1/2", "A": "b"})
    argv, n = ranks.arguments(command)
    assert argv == ["mpirun", "-q", "--oversubscribe", "-n", "4", "env", f"{VARIABLE}=1/2", "A=b", "ipengine", "--mpi"]
    assert n == 1
    assert ranks.environment(command) == {"A": "b"}


@pytest.mark.parametrize(
    ("launcher", "arguments", "environment", "elsewhere"),
    [
        ("Local", [], {"SLURM_JOB_ID": "1"}, False),
        ("Slurm", [], {}, True),
        ("MPI", ["--oversubscribe"], {}, False),
        ("MPI", ["--hostfile", "machines"], {}, True),
        ("MPI", ["-hosts=a,b"], {}, True),
        ("MPI", [], {"PBS_NODEFILE": "/x"}, True),
    ],
)
def test_where_engines_may_be(
    launcher: str, arguments: list[str], environment: dict[str, str], elsewhere: bool
) -> None:
    config = Config(MPILauncher={"mpi_args": arguments})
    assert may_be_elsewhere(launcher, config, environment) is elsewhere


def test_what_tells_nothing_is_left_out() -> None:
    lines = ["=====", "", "2026-01-02 03:04:05,678 INFO engineroom.engine.link: registered", "one", "two\n", "---"]
    assert telling(lines, 100) == "  one\n  two"
    assert telling(lines, 1) == "  two"
    assert telling(lines, 0) == ""


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("mpiexec: exit code 1; it said:\n  There are not enough slots available", "--oversubscribe"),
        ("mpiexec: exit code 1; it said:\n  an attempt to run as root", "--allow-run-as-root"),
        ("MPI by mpi4py: ImportError: libmpi.so.12: cannot open shared object file: No such file", "LD_LIBRARY_PATH"),
        ("mpiexec can't be started: No such file or directory", "install Open MPI or MPICH"),
    ],
)
def test_what_to_do_about_it(said: str, fix: str) -> None:
    assert fix in fix_for(said)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (Config(MPI={"use": "mpi4py"}), "mpi4py"),
        (Config(MPI={"use": "PyTrilinos"}), "pytrilinos"),
        (Config(IPEngine={"use_mpi": True}), "mpi4py"),
        (Config(IPEngineApp={"use_mpi": False, "mpi_registration_delay": 0.1}), ""),
    ],
)
def test_every_way_to_ask_for_mpi(config: Config, kind: str) -> None:
    from engineroom.settings.old_names import renew

    renew(config, [IPEngine])
    assert IPEngine(config=config).use_mpi == kind


def test_own_code_by_its_old_name() -> None:
    from engineroom.settings.old_names import renew

    config = Config(MPI={"init_script": "import my_mpi"})
    assert renew(config, [IPEngine]) == ["MPI.init_script is an old name: it is now IPEngine.init_mpi"]
    assert IPEngine(config=config).init_mpi == "import my_mpi"


def test_the_flag_and_what_is_no_mpi() -> None:
    assert read_application(IPEngine, ["--mpi"]).use_mpi == "mpi4py"
    with pytest.raises(OptionError, match="expected 'mpi4py', 'pytrilinos'"):
        read_application(IPEngine, ["--IPEngine.use_mpi=lam"])
