"""Tests on real servers and networks: root and ENGINEROOM_REAL=1, or they say why they did not run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from engineroom.settings.profiles import Profile
from tests.conftest import wait_until
from tests.real.confined import Confined
from tests.real.hosts import Hosts
from tests.real.installing import install
from tests.real.pbs import PbsCommands
from tests.real.slurm import Slurm
from tests.real.sshd import SshHosts
from tests.system.conftest import command, no_process_is_left, profile

__all__ = ["command", "no_process_is_left", "profile"]

HERE = Path(__file__).parent

MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_plm": "isolated",  # the nodes are all this machine
    "OMPI_MCA_ras": "^slurm",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}


FIRST = (
    "test_integrations.py",
    "test_giants_travel.py",
    "test_jupyterlab.py",
    "test_other_python.py",
    "test_what_travels.py",
    "test_slurm.py",
    "test_chaos_hosts.py",
    "test_sge.py",
)
"""The files that take longest come first, for several workers share the files."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)
    needs = {"root": os.geteuid() == 0, "ENGINEROOM_REAL=1": os.environ.get("ENGINEROOM_REAL") == "1"}
    missing = [words for words, present in needs.items() if not present]
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.real)
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"a test on real servers needs {' and '.join(missing)}"))


def _turn(item: pytest.Item) -> int:
    known = item.path.parent == HERE and item.path.name in FIRST
    return FIRST.index(item.path.name) if known else len(FIRST)


@pytest.fixture
def confined(tmp_path: Path) -> Iterator[Confined]:
    """Yield what starts a controller, engines and clients, each with limits or rights of its own."""
    made = Confined(tmp_path / "profile")
    yield made
    made.close()


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """Three machines, `one`, `two` and `three`, on a network of their own."""
    install("iproute2", command="ip")
    made = Hosts()
    made.start("one", "two", "three")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def ssh_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    """Three machines, `node1`, `node2` and `node3`, on a network of their own, each with an sshd."""
    install("iproute2", command="ip")
    install("openssh-server", command="sshd")
    install("openssh-client", command="ssh")
    made = SshHosts(tmp_path_factory.mktemp("sshd"))
    made.start("node1", "node2", "node3")
    yield made
    made.stop()


@pytest.fixture(scope="session")
def slurm_daemons() -> Iterator[Slurm]:
    """A Slurm of three nodes, for all tests."""
    install("munge", "slurmctld", "slurmd", "slurm-client", command="slurmctld")
    made = Slurm()
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def slurm(slurm_daemons: Slurm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """A Slurm of three nodes with four cores each; no job outlives the test."""
    for name, value in slurm_daemons.environment.items():
        monkeypatch.setenv(name, value)
    yield slurm_daemons
    gone = wait_until(lambda: not slurm_daemons.jobs())
    slurm_daemons.cancel_all()
    assert gone, "jobs outlive the test"


@pytest.fixture(scope="session")
def pbs_commands(tmp_path_factory: pytest.TempPathFactory) -> PbsCommands:
    """The commands of PBS."""
    made = PbsCommands(tmp_path_factory.mktemp("pbs"))
    made.unpack()
    return made


@pytest.fixture
def pbs(slurm: Slurm, pbs_commands: PbsCommands, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """The same Slurm, with the commands of PBS on PATH."""
    monkeypatch.setenv("PATH", f"{pbs_commands.path}{os.pathsep}{os.environ['PATH']}")
    return slurm


@pytest.fixture
def ssh_profile(profile: Profile, ssh_hosts: SshHosts) -> Callable[..., Profile]:
    """Return what writes ipcluster_config.py: how the machines are reached, with further `ssh_args`, and more lines."""

    def write(*lines: str, ssh_args: Sequence[str] = ()) -> Profile:
        profile.path.mkdir(parents=True, exist_ok=True)
        usual = [
            "c = get_config()",
            f"c.SSHLauncher.ssh_args = {['-F', str(ssh_hosts.config), *ssh_args]!r}",
            f"c.SSHLauncher.remote_python = {ssh_hosts.python!r}",
        ]
        (profile.path / "ipcluster_config.py").write_text("\n".join([*usual, *lines]) + "\n")
        return profile

    return write


@pytest.fixture
def mpi(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open MPI's mpiexec, for root, on nodes that are all this machine."""
    install("openmpi-bin", command="mpiexec.openmpi")
    for name, value in MPI.items():
        monkeypatch.setenv(name, value)
