"""Keys never show: not in command lines, environments, logs, steps, scripts, cluster files or dry runs."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom.cluster.why import report as why_report
from engineroom.cluster.why.report import as_json
from engineroom.settings.profiles import Profile
from tests.system.conftest import Command
from tests.system.fake_scheduler import FakeScheduler
from tests.system.fake_ssh import ssh_options
from tests.system.secrets_shown import keys_of, shown_by_files, shown_by_processes

Commands = Callable[..., Command]


def no_key_shows(profile: Profile, started: Command, *places: Path) -> None:
    """Fail if a key is seen anywhere, while a cluster runs and after it was stopped."""
    keys = keys_of(profile.security_dir)
    assert [*shown_by_processes(keys)] == []
    assert [*shown_by_files(keys, profile.path, *places)] == []
    assert not any(key in as_json(why_report.why(profile, "")).encode() for key in keys)
    started.signal(signal.SIGINT).ends()
    assert [*shown_by_files(keys, profile.path, *places)] == []
    assert not any(key in started.output.encode() for key in keys)


def test_a_local_cluster(command: Commands, profile: Profile, tmp_path: Path) -> None:
    started = command("ipcluster", "start", "-n", "2", "--debug").says("2 engines are ready")
    no_key_shows(profile, started, tmp_path)


def test_engines_by_ssh(command: Commands, profile: Profile, tmp_path: Path) -> None:
    profile.path.mkdir(parents=True)
    (profile.path / "ipcluster_config.py").write_text(ssh_options(tmp_path, node1=1, node2=1))
    started = command("ipcluster", "start", "--debug").says(" ready (")
    no_key_shows(profile, started, tmp_path)


def test_engines_and_controller_in_jobs(
    command: Commands, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeScheduler(tmp_path / "slurm", monkeypatch, "slurm", "sbatch", "srun", "squeue", "scontrol", "scancel")
    by_slurm = ["-n", "2", "--engines=slurm", "--controller=slurm", "--debug"]
    started = command("ipcluster", "start", *by_slurm).says("2 engines are ready")
    keys = keys_of(profile.security_dir)
    shown = command("ipcluster", "start", "--cluster-id=dry", "--dry-run", *by_slurm).succeeds().output
    assert "#SBATCH" in shown
    assert not any(key in shown.encode() for key in keys)
    no_key_shows(profile, started, tmp_path)
