"""Profiles with blanks, commas, colons and worse in their paths: what jobs print arrives where it is looked for."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.cluster.launchers.jobs.script import script_of
from engineroom.cluster.launchers.launcher import CONTROLLER, ENGINE, Command
from engineroom.cluster.launchers.systems.lsf import LSF
from engineroom.cluster.launchers.systems.pbs import PBS_PRO, TORQUE
from engineroom.cluster.launchers.systems.sge import SGE
from engineroom.cluster.launchers.systems.slurm import SLURM
from engineroom.cluster.launchers.systems.system import BatchSystem
from engineroom.settings.launchers import BatchControllerLauncher, BatchEngineSetLauncher
from tests.examples import drawn

SYSTEMS = [SGE, PBS_PRO, TORQUE, LSF, SLURM]
TASK = {"SGE_TASK_ID": "2", "PBS_ARRAY_INDEX": "2", "PBS_ARRAYID": "2", "LSB_JOBINDEX": "2", "SLURM_JOB_ID": "77"}
systems = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)


def command(log_file: Path, role: str, n: int = 1) -> Command:
    return Command(
        role=role,
        name="x",
        argv=["/bin/echo", f"it's {log_file.name}"],
        n=n,
        log_file=str(log_file),
        work_dir=str(log_file.parent),
        profile_dir=str(log_file.parent),
        environment={"HERE": str(log_file.parent)},
    )


def run(script: str) -> str:
    """Run a job's script as a node would; return what it prints to where its directives say."""
    done = subprocess.run(
        ["/bin/sh"], input=script, capture_output=True, text=True, check=True, env=os.environ | TASK, timeout=30
    )
    return done.stdout + done.stderr


def directives(system: BatchSystem, script: str) -> list[str]:
    return [line for line in script.splitlines() if line.startswith(system.prefix)]


@systems
def test_a_plain_path_is_in_a_directive(system: BatchSystem, tmp_path: Path) -> None:
    log_file = tmp_path / "ipcontroller-a.b_c.log"
    script = script_of(system, BatchControllerLauncher(), command(log_file, CONTROLLER), n=1)
    assert any(line.endswith(str(log_file)) for line in directives(system, script))
    assert "exec >" not in script


names = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="/\x7f"), min_size=1, max_size=8
)
odd = names.filter(lambda name: name.strip(".") and name.isprintable() and not name.isalnum())


@systems
@drawn(20)
@given(odd)
def test_any_other_path_is_written_by_the_job_itself(system: BatchSystem, name: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        log_file = Path(place) / f" {name}" / "x.log"
        log_file.parent.mkdir()
        script = script_of(system, BatchControllerLauncher(), command(log_file, CONTROLLER), n=1)
        assert not [line for line in directives(system, script) if name in line and str(log_file) in line]
        assert any("/dev/null" in line for line in directives(system, script))
        assert run(script) == ""
        assert log_file.read_text() == "it's x.log\n"


@pytest.mark.parametrize(
    ("system", "suffix"), [(SGE, ".2"), (PBS_PRO, ".2"), (TORQUE, "-2"), (LSF, ".2")], ids=lambda each: str(each)[:5]
)
def test_each_task_of_an_array_has_a_file_of_its_own(system: BatchSystem, suffix: str, tmp_path: Path) -> None:
    log_file = tmp_path / "a, b: c" / "x.log"
    log_file.parent.mkdir()
    run(script_of(system, BatchEngineSetLauncher(), command(log_file, ENGINE, n=3), n=3))
    assert [path.name for path in log_file.parent.iterdir()] == [f"x.log{suffix}"]


def test_jobs_of_a_split_set_of_slurm_too(tmp_path: Path) -> None:
    log_file = tmp_path / "a b" / "x.log"
    script = script_of(SLURM, BatchEngineSetLauncher(), command(log_file, ENGINE, n=3), n=1)
    assert f"exec >'{log_file}'.$SLURM_JOB_ID 2>&1" in script.splitlines()


@systems
def test_templates_of_the_users_own_work_with_such_paths_too(system: BatchSystem, tmp_path: Path) -> None:
    log_file = tmp_path / "a, b: c" / "x.log"
    log_file.parent.mkdir()
    template = f"#!/bin/sh\n{system.prefix} -o {{output_file}}\n{{program_and_args}}\n"
    given = command(log_file, CONTROLLER)
    script = script_of(system, BatchControllerLauncher(batch_template=template), given, n=1)
    assert f"{system.prefix} -o /dev/null" in script.splitlines()
    run(script)
    assert log_file.read_text() == "it's x.log\n"
    silent = BatchControllerLauncher(batch_template="#!/bin/sh\n{program_and_args}\n")
    assert "exec >" not in script_of(system, silent, given, n=1)
    csh = template.replace("/bin/sh", "/bin/csh")
    assert "exec >" not in script_of(system, BatchControllerLauncher(batch_template=csh), given, n=1)


@pytest.mark.parametrize(
    ("output_file", "redirected"),
    [("/my logs/x", True), ("/a,b/x", True), ("/a/x", False), ("node7:/a/x", False), ("/my logs/$JOB_ID", False)],
)
def test_an_output_file_that_the_user_names(output_file: str, redirected: bool, tmp_path: Path) -> None:
    options = BatchControllerLauncher(output_file=output_file)
    script = script_of(SGE, options, msgspec.structs.replace(command(tmp_path / "x", CONTROLLER)), n=1)
    assert (f"exec >'{output_file}' 2>&1" in script or f"exec >{output_file} 2>&1" in script) is redirected
    assert (f"#$ -o {output_file}" in script) is not redirected
