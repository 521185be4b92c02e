"""`--dry-run` shows how everything would be started, and starts nothing."""

from __future__ import annotations

import pytest

from engineroom.cli.ipcluster import main
from engineroom.settings.profiles import Profile

SCRIPTS = {
    "Local": ("ipcontroller --profile-dir=", "ipengine --profile-dir="),
    "MPI": ("mpiexec -n 1 ", "mpiexec -n 2 "),
    "SSH": ("-l me -p 2222 -- node1 ", "-- node2 "),
    "Slurm": ("$ sbatch ", "#SBATCH --ntasks=2"),
    "PBS": ("$ qsub ", "#PBS -t 1-2"),
    "SGE": ("#$ -N ipcontroller", "#$ -t 1-2"),
    "LSF": ("$ bsub < ", "#BSUB -J ipengine[1-2]"),
    "HTCondor": ("$ condor_submit ", "queue 2"),
    "WindowsHPC": ("<Job xmlns=", 'Name="engine-1"'),
}

CONFIG = """\
c.SSHControllerLauncher.location = "me@node1:2222"
c.SSHEngineSetLauncher.engines = {"node2": 5}
"""


@pytest.mark.parametrize("launcher", SCRIPTS)
def test_what_would_be_started_is_shown(launcher: str, profile: Profile, capsys: pytest.CaptureFixture[str]) -> None:
    profile.path.mkdir(parents=True)
    (profile.path / "ipcluster_config.py").write_text(CONFIG)
    launchers = [f"--engines={launcher}", f"--controller={launcher}"]
    assert main(["start", "-n", "2", *launchers, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    for words in (f"# the controller, by {launcher}:", f"# 2 engines, by {launcher}:", *SCRIPTS[launcher]):
        assert words in shown
    assert not profile.security_dir.exists()
    assert not profile.pid_dir.exists()


def test_only_engines(profile: Profile, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", "-n", "1", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "# 1 engine, by Local:" in shown
    assert "controller, by" not in shown


def test_what_can_not_be_started_is_said(profile: Profile, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", "--engines=Batch", "--dry-run"]) == 1
    assert "submit_command" in capsys.readouterr().err
