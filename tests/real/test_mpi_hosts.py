"""Ranks on several machines: mpiexec reaches them by ssh, and the controller listens for them by itself."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Cluster
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.real.mpi import Mpi, mpich, open_mpi
from tests.real.sshd import SshHosts
from tests.system.conftest import processes_of_this_run, until


def arguments(mpi: Mpi, hosts: SshHosts, agent: Path) -> list[str]:
    """Return how `mpi` is told to start two ranks on each of two machines."""
    first, second, *_ = hosts.addresses.values()
    places = ["--host", f"{first}:2,{second}:2"]
    if mpi.name == "MPICH":
        return ["-localhost", f"{hosts.network}.1", "-launcher-exec", str(agent), *places]
    network = f"{hosts.network}.0/24"
    settings = {"plm_rsh_agent": str(agent), "oob_tcp_if_include": network, "btl_tcp_if_include": network}
    return [*(word for name, value in settings.items() for word in ("--mca", name, value)), *places]


@pytest.mark.parametrize("make", [open_mpi, mpich])
def test_ranks_on_two_machines(
    make: Callable[[Path], Mpi], ssh_hosts: SshHosts, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mpi").mkdir()
    mpi = make(tmp_path / "mpi")
    for name, value in {**mpi.environment, "PATH": f"{mpi.path}:{os.environ['PATH']}"}.items():
        monkeypatch.setenv(name, value)
    agent = tmp_path / "agent"
    agent.write_text(f'#!/bin/sh\nexec ssh -F {ssh_hosts.config} "$@"\n')
    agent.chmod(0o755)
    profile.path.mkdir(parents=True)
    (profile.path / "ipcluster_config.py").write_text(
        f"c = get_config()\nc.MPILauncher.mpi_args = {arguments(mpi, ssh_hosts, agent)!r}\n"
    )
    before = processes_of_this_run()
    cluster = Cluster(n=4, engines="MPI", cluster_id="two")
    cluster.start_cluster_sync()
    with cluster.connect_client_sync() as rc:
        rc.wait_for_engines(4, timeout=SECONDS)
        code = "import socket; from mpi4py import MPI; place = MPI.COMM_WORLD.allreduce(1), socket.gethostname()"
        rc[:].execute(code, block=True)
        assert rc[:]["place"] == [(4, "node1")] * 2 + [(4, "node2")] * 2
    os.kill(json.loads(profile.pid_file("ipcluster", "two").read_text())["pid"], signal.SIGKILL)
    until(lambda: not (processes_of_this_run().keys() - before.keys()))
    cluster.stop_cluster_sync()
