"""The scripts of jobs, as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from engineroom.cluster.launchers.jobs.script import script_of, script_path, write_script
from engineroom.cluster.launchers.launcher import CONTROLLER, ENGINE, Command
from engineroom.cluster.launchers.systems.generic import GENERIC
from engineroom.cluster.launchers.systems.pbs import PBS_PRO, TORQUE
from engineroom.cluster.launchers.systems.slurm import SLURM
from engineroom.cluster.launchers.systems.system import BatchSystem
from engineroom.ids import Instance
from engineroom.settings.launchers import (
    BatchSystemLauncher,
    PBSControllerLauncher,
    PBSEngineSetLauncher,
    SlurmControllerLauncher,
    SlurmEngineSetLauncher,
)

LAUNCH = "00ff/1"
HOST = Instance(b"\0\xff")


def command(role: str = ENGINE, n: int = 4) -> Command:
    name = "ipengine" if role == ENGINE else "ipcontroller"
    return Command(
        role=role,
        name=name,
        argv=["/bin/python", "-m", f"engineroom.cli.{name}", "--profile-dir=/my profile"],
        n=n,
        environment={"ENGINEROOM_LAUNCH": LAUNCH, "MINE": "it's"},
        work_dir="/my work",
        log_file="/p/log/x.log",
        profile_dir="/my profile",
        cluster_id="abc",
    )


def script(system: BatchSystem, options: BatchSystemLauncher, given: Command | None = None) -> list[str]:
    given = given or command()
    return script_of(system, options, given, n=given.n).splitlines()


def test_slurm_runs_engines_as_tasks_of_one_job() -> None:
    options = SlurmEngineSetLauncher(
        queue="long", account="me", qos="high", timelimit=90, options="--mem=4G --exclusive"
    )
    assert script(SLURM, options) == [
        "#!/bin/sh",
        "#SBATCH --job-name=ipengine-abc",
        "#SBATCH --output=/p/log/x.log",
        "#SBATCH --partition=long",
        "#SBATCH --account=me",
        "#SBATCH --qos=high",
        "#SBATCH --time=1:30:00",
        "#SBATCH --mem=4G --exclusive",
        "#SBATCH --ntasks=4",
        f"export ENGINEROOM_LAUNCH={LAUNCH}",
        "export MINE='it'\"'\"'s'",
        "cd '/my work'",
        "srun --kill-on-bad-exit=0 --wait=0 /bin/python -m engineroom.cli.ipengine '--profile-dir=/my profile'",
    ]


def test_paths_may_have_spaces() -> None:
    options = SlurmEngineSetLauncher(output_file="/my logs/x")
    assert "#SBATCH --output='/my logs/x'" in script(SLURM, options)


def test_jobs_of_a_split_set_have_output_files_of_their_own() -> None:
    text = script_of(SLURM, SlurmEngineSetLauncher(), command(n=4), n=1)
    assert "#SBATCH --output=/p/log/x.log.%j" in text.splitlines()


def test_slurm_runs_a_controller_alone() -> None:
    lines = script(SLURM, SlurmControllerLauncher(), command(CONTROLLER, 1))
    assert lines[-1] == "exec /bin/python -m engineroom.cli.ipcontroller '--profile-dir=/my profile'"
    assert not [line for line in lines if "ntasks" in line or "partition" in line]


@pytest.mark.parametrize(("system", "array"), [(TORQUE, "#PBS -t 1-4"), (PBS_PRO, "#PBS -J 1-4")])
def test_pbs_runs_engines_as_an_array(system: BatchSystem, array: str) -> None:
    lines = script(system, PBSEngineSetLauncher(queue="q", timelimit="2:00:00"))
    assert lines[:1] == ["#!/bin/sh"]
    assert {array, "#PBS -N ipengine-abc", "#PBS -j oe", "#PBS -q q", "#PBS -l walltime=2:00:00"} <= set(lines)
    assert lines[-1] == "/bin/python -m engineroom.cli.ipengine '--profile-dir=/my profile'"
    assert array not in script(system, PBSEngineSetLauncher(), command(n=1))
    assert array not in script(system, PBSControllerLauncher(), command(CONTROLLER, 1))


def test_each_task_of_an_array_of_pbs_pro_has_an_output_file_of_its_own() -> None:
    assert "#PBS -o /p/log/x.log.^array_index^" in script(PBS_PRO, PBSEngineSetLauncher())
    assert "#PBS -o /p/log/x.log" in script(PBS_PRO, PBSControllerLauncher(), command(CONTROLLER, 1))


def test_nothing_but_variables_is_put_into_a_script_of_the_users_own() -> None:
    options = PBSEngineSetLauncher(
        queue="q",
        batch_template="#PBS -N mine\n#PBS -l nodes={n/4}:ppn=4\n#PBS -q {queue}\ncd $PBS_O_WORKDIR\n"
        "mpiexec -n {n} ipengine --profile-dir={profile_dir}\n",
    )
    assert script(TORQUE, options) == [
        "#!/bin/sh",
        "#PBS -N mine",
        "#PBS -l nodes=1:ppn=4",
        "#PBS -q q",
        f"export ENGINEROOM_LAUNCH={LAUNCH}",
        "export MINE='it'\"'\"'s'",
        "cd $PBS_O_WORKDIR",
        "mpiexec -n 4 ipengine --profile-dir=/my profile",
    ]


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("#!/bin/csh\n", "setenv MINE 'it'\"'\"'s'"),
        ("#!/bin/bash -l\n", "export MINE='it'\"'\"'s'"),
        ("#!/usr/bin/env python\n", None),
        ("#PBS -S /bin/tcsh\n", "setenv MINE 'it'\"'\"'s'"),
    ],
)
def test_variables_are_set_in_the_language_of_the_script(head: str, line: str | None) -> None:
    found = [each for each in script(TORQUE, PBSEngineSetLauncher(batch_template=head + "go\n")) if "MINE" in each]
    assert found == ([line] if line else [])


def test_every_field_is_there_even_if_nobody_set_it() -> None:
    fields = "queue account qos timelimit options n profile_dir cluster_id output_file program program_args"
    template = "".join(f"[{{{field}}}]" for field in [*fields.split(), "program_and_args", "environment_json", "mine"])
    options = SlurmEngineSetLauncher(batch_template=template, namespace={"mine": 7})
    assert script(SLURM, options)[-1] == (
        "[][][][][][4][/my profile][abc][/p/log/x.log][/bin/python]"
        "[-m engineroom.cli.ipengine '--profile-dir=/my profile']"
        "[/bin/python -m engineroom.cli.ipengine '--profile-dir=/my profile']"
        '[{"ENGINEROOM_LAUNCH": "00ff/1", "MINE": "it\'s"}][7]'
    )


def test_a_system_without_directives_gets_variables_after_its_first_comments() -> None:
    options = BatchSystemLauncher(batch_template="#!/bin/sh\n#MINE 1\ngo\n# more\n")
    assert script(GENERIC, options) == [
        "#!/bin/sh",
        "#MINE 1",
        f"export ENGINEROOM_LAUNCH={LAUNCH}",
        "export MINE='it'\"'\"'s'",
        "go",
        "# more",
    ]


def test_a_script_is_in_the_profile_and_its_owners_only(tmp_path: Path) -> None:
    options = SlurmEngineSetLauncher()
    first, second = (command().launched_by(HOST, name) for name in "12")
    assert script_path(options, SLURM, first) == Path("/my profile/slurm_engines-abc-1")
    assert script_path(SlurmEngineSetLauncher(batch_file_name="job"), SLURM, second).name == "job-abc-2"
    write_script(tmp_path / "script", "x")
    assert (tmp_path / "script").stat().st_mode & 0o777 == 0o700
