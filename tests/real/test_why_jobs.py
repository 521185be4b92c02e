"""Why a start fails, and that no key shows, with real systems: Slurm, PBS's commands, ssh, MPI, a disk that is full."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engineroom import Client
from engineroom.cluster.why import report as why_report
from engineroom.cluster.why.report import as_text
from engineroom.errors import EngineError
from engineroom.settings.profiles import Profile
from tests.conftest import wait_until
from tests.patience import SECONDS, slowly
from tests.real.installing import install
from tests.real.slurm import Slurm
from tests.real.sshd import SshHosts
from tests.system.conftest import Command, until
from tests.system.secrets_shown import keys_of, shown_by_files, shown_by_processes

Start = Callable[..., Command]

NAMED_WITHIN = 5.0

MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}


def why(profile: Profile) -> str:
    """Return the answer and the fix, without the steps."""
    return as_text(why_report.why(profile, "")).partition("steps:")[0]


def says(command: Command, words: str) -> None:
    wait_until(lambda: words in command.output or command.process.poll() is not None)
    assert words in command.output, command.output


def write_options(profile: Profile, *lines: str) -> None:
    profile.path.mkdir(parents=True)
    (profile.path / "ipcluster_config.py").write_text("\n".join(["c = get_config()", *lines]) + "\n")


def no_key_shows(profile: Profile, started: Command, *seen: str, places: tuple[Path, ...] = ()) -> None:
    """Fail if a key is in a process, a file or the texts `seen`; and stop the cluster."""
    keys = keys_of(profile.security_dir)
    assert [*shown_by_processes(keys)] == []
    assert [*shown_by_files(keys, profile.path, *places)] == []
    started.signal(signal.SIGINT)
    until(lambda: started.process.poll() is not None)
    assert [*shown_by_files(keys, profile.path, *places)] == []
    texts = [text.encode() for text in (*seen, started.output)]
    assert all(texts)
    assert not [key for text in texts for key in keys if key in text]


def test_a_job_that_slurm_rejects(command: Start, profile: Profile, slurm: Slurm) -> None:
    write_options(profile, "c.SlurmLauncher.queue = 'no-such-partition'")
    started = command("ipcluster", "start", "-n", "1", "--engines=slurm")
    assert started.ends() == 1
    for said in (started.output, why(profile)):
        assert "invalid partition specified" in said
        assert "set `queue` to a partition that `sinfo` lists" in said


def test_a_job_that_is_cancelled(command: Start, profile: Profile, slurm: Slurm) -> None:
    started = command("ipcluster", "start", "-n", "2", "--engines=slurm")
    says(started, "2 engines are ready")
    with Client() as rc:
        rc.wait_for_engines(2, timeout=SECONDS)
        (job,) = slurm.jobs()
        waiting = rc.wait_for_engines(3, timeout=SECONDS, block=False)
        slurm.run("scancel", job)
        with pytest.raises(EngineError, match="left"):
            waiting.result(SECONDS)
        until(lambda: slurm.run("squeue", "--noheader", "--states=CANCELLED", f"--jobs={job}"))
    known = time.monotonic()
    said = until(lambda: "was cancelled" in (said := why(profile)) and said)
    assert time.monotonic() - known < slowly(NAMED_WITHIN)
    assert said.startswith(f"engine set 1: Slurm job {job} was cancelled")
    assert "fix: " in said
    started.signal(signal.SIGINT).ends()


def test_no_key_shows_in_jobs(command: Start, profile: Profile, pbs: Slurm, tmp_path: Path) -> None:
    by_slurm = ("-n", "2", "--engines=slurm", "--controller=slurm")
    started = command("ipcluster", "start", "--debug", *by_slurm)
    says(started, "2 engines are ready")
    seen = [pbs.run("scontrol", "--details", "show", "job"), pbs.run("qstat", "-f")]
    seen.append(command("ipcluster", "start", "--dry-run", "--cluster-id=dry", *by_slurm).succeeds().output)
    assert "#SBATCH" in seen[-1]
    no_key_shows(profile, started, *seen, places=(pbs.directory / "state",))


def test_no_key_shows_by_ssh(command: Start, profile: Profile, ssh_hosts: SshHosts) -> None:
    write_options(
        profile,
        f"c.SSHLauncher.ssh_args = ['-F', {str(ssh_hosts.config)!r}]",
        f"c.SSHLauncher.remote_python = {ssh_hosts.python!r}",
        "c.SSHEngineSetLauncher.engines = {'node1': 1, 'node2': 1}",
    )
    started = command("ipcluster", "start", "--engines=ssh", "--debug")
    says(started, " ready (")
    no_key_shows(profile, started, places=tuple(ssh_hosts.home(name) for name in ("node1", "node2")))


def test_no_key_shows_under_mpi(command: Start, profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    install("openmpi-bin", command="mpiexec.openmpi")
    for name, value in MPI.items():
        monkeypatch.setenv(name, value)
    write_options(profile, "c.MPILauncher.mpi_cmd = ['mpiexec.openmpi']")
    started = command("ipcluster", "start", "-n", "2", "--engines=mpi", "--debug")
    says(started, "2 engines are ready")
    no_key_shows(profile, started)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "engineroom-test", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_disk_that_is_full(command: Start, small_disk: Path) -> None:
    profile = Profile(small_disk / "profile_full")
    started = command("ipcluster", "start", "-n", "1", f"--profile-dir={profile.path}")
    says(started, "1 engine is ready")
    fill(small_disk)
    assert is_named(why(profile))
    started.signal(signal.SIGINT).ends()
    began = time.monotonic()
    again = command("ipcluster", "start", "-n", "1", f"--profile-dir={profile.path}")
    assert again.ends() == 1
    assert time.monotonic() - began < slowly(NAMED_WITHIN)
    fill(small_disk)
    for said in (again.output, why(profile)):
        assert is_named(said)


def fill(disk: Path) -> None:
    """Fill what is left of it."""
    with (disk / f"fill-{time.monotonic_ns()}").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


def is_named(said: str) -> bool:
    return "No space left on device" in said and "fix: make room on the disk of the profile" in said
