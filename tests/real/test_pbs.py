"""Engines by the commands of PBS, and MPI within a job of Slurm."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import engineroom as er
from engineroom.errors import LaunchError
from engineroom.settings.profiles import Profile
from tests.real.slurm import Slurm
from tests.system.conftest import until

BIN = Path(sys.executable).parent


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


def test_engines_as_jobs_of_their_own(profile: Profile, pbs: Slurm, directory: Path) -> None:
    configure(profile, "c.Cluster.engine_launcher_class = 'PBS'\n")
    with er.Cluster(n=2, split=True) as rc:
        assert len(set(rc[:].apply_sync(os.getenv, "PBS_JOBID"))) == 2
    until(lambda: pbs.jobs() == [])  # this qstat says C, completed, of a job that Slurm still lists as completing


def test_a_queue_that_does_not_exist(profile: Profile, pbs: Slurm, directory: Path) -> None:
    configure(profile, "c.Cluster.engine_launcher_class = 'PBS'\nc.PBSLauncher.queue = 'nosuch'\n")
    with pytest.raises(LaunchError, match=r"PBS refused the job.*nosuch.*`qstat -Q` lists"):
        er.Cluster(n=2).start_cluster_sync()


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
