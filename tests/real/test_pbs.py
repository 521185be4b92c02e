"""Engines and controllers by the commands of PBS, and MPI within batch jobs by templates of the user's own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import engineroom as er
from engineroom.errors import LaunchError
from engineroom.settings.profiles import Profile
from tests.documented import blocks
from tests.real.installing import install
from tests.real.slurm import Slurm
from tests.real.test_slurm import says
from tests.system.conftest import Command

Start = Callable[..., Command]
PAGE = "starting/pbs.md"
BIN = Path(sys.executable).parent

MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_plm": "isolated",  # the nodes are all this machine
    "OMPI_MCA_ras": "^slurm",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the user, where these qsub and sbatch put what jobs print."""
    path = tmp_path / "work"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def configure(profile: Profile, text: str) -> None:
    profile.path.mkdir(parents=True, exist_ok=True)
    (profile.path / "ipcluster_config.py").write_text(text)


def test_engines_are_an_array(profile: Profile, pbs: Slurm, directory: Path) -> None:
    configure(profile, "c.Cluster.engine_launcher_class = 'PBS'\n")
    with er.Cluster(n=3) as rc:
        assert sorted(rc[:].apply_sync(os.getenv, "PBS_ARRAY_INDEX")) == ["1", "2", "3"]
        assert rc[:].apply_sync(os.getcwd) == [str(directory)] * 3
    assert pbs.jobs() == []


def test_engines_as_jobs_of_their_own(profile: Profile, pbs: Slurm, directory: Path) -> None:
    configure(profile, "c.Cluster.engine_launcher_class = 'PBS'\n")
    with er.Cluster(n=2, split=True) as rc:
        assert len(set(rc[:].apply_sync(os.getenv, "PBS_JOBID"))) == 2
    assert pbs.jobs() == []


def test_a_queue_that_does_not_exist(profile: Profile, pbs: Slurm, directory: Path) -> None:
    configure(profile, "c.Cluster.engine_launcher_class = 'PBS'\nc.PBSLauncher.queue = 'nosuch'\n")
    with pytest.raises(LaunchError, match=r"PBS refused the job.*nosuch.*`qstat -Q` lists"):
        er.Cluster(n=2).start_cluster_sync()


@pytest.fixture
def mpi(monkeypatch: pytest.MonkeyPatch) -> None:
    install("openmpi-bin", command="mpiexec.openmpi")
    for name, value in MPI.items():
        monkeypatch.setenv(name, value)


def test_the_templates_of_the_page(profile: Profile, pbs: Slurm, directory: Path, mpi: None, command: Start) -> None:
    page = blocks(PAGE)
    configure(profile, page["pbs-config"].replace("veryshort.q", "short"))
    for name in ("engine", "controller"):
        text = page[f"pbs-{name}-template"].replace("$HOME/usr/local/bin", f"{BIN}:$PATH")
        (directory / f"pbs.{name}.template").write_text(text.replace("/usr/local/bin/mpiexec", "mpiexec.openmpi"))
    started = command("ipcluster", "start", "-n", "4", cwd=directory)
    says(started, "4 engines are ready")
    with er.Client() as rc:
        ranks = rc[:].apply_sync(os.getenv, "OMPI_COMM_WORLD_RANK")
        assert sorted(ranks) == ["0", "1", "2", "3"]
        assert len(set(rc[:].apply_sync(os.getenv, "PBS_JOBID"))) == 1
    assert len(pbs.jobs()) == 2
    script = (profile.path / "pbs_engines-1").read_text()
    assert "#PBS -l nodes=1:ppn=4\n#PBS -q short\n" in script
    started.signal(signal.SIGINT)
    assert started.ends() == 0
    assert pbs.jobs() == []


def test_mpi_in_a_job_of_slurm(profile: Profile, slurm: Slurm, directory: Path, mpi: None) -> None:
    configure(
        profile,
        "c.Cluster.engine_launcher_class = 'Slurm'\n"
        f"c.SlurmLauncher.namespace = {{'bin': {str(BIN)!r}}}\n"
        "c.SlurmEngineSetLauncher.batch_template = '''#!/bin/bash\n"
        "#SBATCH --nodes=1 --ntasks-per-node={n/1} --output=/dev/null\n"
        "mpiexec.openmpi -n {n} {bin}/ipengine --profile-dir={profile_dir}\n'''\n",
    )
    with er.Cluster(n=3) as rc:
        assert sorted(rc[:].apply_sync(os.getenv, "OMPI_COMM_WORLD_RANK")) == ["0", "1", "2"]
    assert slurm.jobs() == []
