"""What the pages about Slurm and PBS show, as a reader types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from engineroom import Client
from tests.reader import Reader
from tests.real.slurm import Slurm

SLURM_PAGE, PBS_PAGE = "starting/slurm.md", "starting/pbs.md"
CONFIG = "ipcluster_config.py"


def test_slurm(slurm: Slurm, reader: Reader) -> None:
    reader.follows(SLURM_PAGE, "slurm-dry-run")
    assert slurm.jobs() == []
    [start] = reader.follows(SLURM_PAGE, "slurm-start")
    reader.follows(SLURM_PAGE, "slurm-stop")
    start.ends()
    assert reader.runs_python(SLURM_PAGE, "slurm-python").splitlines()[-1] == "[42, 42, 42, 42]"


def test_slurm_with_a_profile(slurm: Slurm, reader: Reader) -> None:
    reader.writes(SLURM_PAGE, "slurm-config", reader.profile("slurm").path / CONFIG)
    [start] = reader.follows(SLURM_PAGE, "slurm-with-profile")
    assert len(slurm.jobs()) == 2
    reader.types("ipcluster stop --profile=slurm")
    start.ends()


def test_pbs(pbs: Slurm, reader: Reader) -> None:
    reader.follows(PBS_PAGE, "pbs-profile")
    reader.writes(PBS_PAGE, "pbs-shortest-config", reader.profile("pbs").path / CONFIG)
    reader.follows(PBS_PAGE, "pbs-dry-run")
    [start] = reader.follows(PBS_PAGE, "pbs-start")
    with Client(profile_dir=reader.profile("pbs").path) as rc:
        assert sorted(rc[:].apply_sync(os.getenv, "PBS_ARRAY_INDEX")) == ["1", "2", "3"]
        assert rc[:].apply_sync(os.getcwd) == [str(reader.directory)] * 3
    reader.follows(PBS_PAGE, "pbs-stop")
    start.ends()


def test_mpi_in_a_job_of_pbs_by_the_scripts_of_the_page(pbs: Slurm, mpi: None, reader: Reader) -> None:
    profile = reader.profile("pbs")
    config = reader.writes(PBS_PAGE, "pbs-config", profile.path / CONFIG)
    config.write_text(config.read_text().replace("veryshort.q", "short"))
    for name in ("engine", "controller"):
        # Programs are elsewhere here; everything else is the page's.
        script = reader.writes(PBS_PAGE, f"pbs-{name}-template", f"pbs.{name}.template")
        text = script.read_text().replace("$HOME/usr/local/bin", f"{Path(sys.executable).parent}:$PATH")
        script.write_text(text.replace("/usr/local/bin/mpiexec", "mpiexec.openmpi"))
    [start] = reader.follows(PBS_PAGE, "pbs-with-templates")
    with Client(profile_dir=profile.path) as rc:
        assert sorted(rc[:].apply_sync(os.getenv, "OMPI_COMM_WORLD_RANK")) == ["0", "1", "2", "3"]
        assert len(set(rc[:].apply_sync(os.getenv, "PBS_JOBID"))) == 1
    jobs = pbs.jobs()
    assert len(jobs) == 2
    seen = subprocess.run(["qstat", "-f", *jobs], capture_output=True, text=True, check=True).stdout
    seen += "".join((profile.path / f"pbs_{name}").read_text() for name in ("controller", "engines-1"))
    keys = [json.loads(file.read_text())["exec_key"] for file in profile.security_dir.glob("ipcontroller-*.json")]
    assert len(keys) == 2
    assert not [key for key in keys if key in seen]
    assert "#PBS -l nodes=1:ppn=4\n#PBS -q short\n" in (profile.path / "pbs_engines-1").read_text()
    reader.types("ipcluster stop --profile=pbs")
    start.ends()
